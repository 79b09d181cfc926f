"""The commands: each is there, told of where people look, and explains itself."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from training.__main__ import COMMANDS, USAGE, main

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_usage_and_the_architecture_name_every_command_and_no_other():
    listed = re.findall(
        r"^  ([a-z-]+(?: [a-z-]+)?)(?: {2,}|$)",
        USAGE.split("Each command explains itself")[1].split("From nothing")[0],
        re.M,
    )
    assert set(listed) == COMMANDS.keys()
    drawn = re.search(r"`python -m training \{(.*?)\}`", ARCHITECTURE.read_text())
    assert drawn and drawn[1].split(", ") == list(COMMANDS)


def test_ctrl_c_is_said_in_one_line(monkeypatch, capsys):
    def stopped(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.budget.main", stopped)
    assert main(["budget"]) == 130
    assert capsys.readouterr().err.startswith("budget: stopped; what is written is whole, and the same command goes on")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_something_to_run(command):
    assert callable(importlib.import_module(COMMANDS[command]).main)

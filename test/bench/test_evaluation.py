"""The bench of evaluating runs as a whole, in small, and keeps what is written by hand."""

from __future__ import annotations

import json

from bench.evaluation import main
from training.results_page import BY_HAND


def test_figures_are_measured_and_written(tmp_path, network):
    page = tmp_path / "evaluation.md"
    page.write_text(f"# Old\n\n{BY_HAND}\n\n## Real recordings\n\nBy hand.\n")
    options = ["--rounds", "1", "--frames", "3", "--long", "150", "--out", str(tmp_path), "--model", str(network)]
    assert main(options) in (0, 1)  # on a busy machine, and with a network that costs nothing, goals mean nothing
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert content["ratio"] > 0 and len(content["frames_per_second"]["whole"]) == 1
    assert content["memory"]["frames"] == 150 and content["memory"]["end_mib"] > 20
    text = page.read_text()
    assert (
        "Old" not in text
        and "its share of the network's rate" in text
        and text.endswith("## Real recordings\n\nBy hand.\n")
    )

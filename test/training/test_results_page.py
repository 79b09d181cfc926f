"""Pages of figures: made again as often as one likes, what people wrote on them stays."""

from __future__ import annotations

import pytest

from training.results_page import BY_HAND, write_page


def test_what_people_wrote_stays(tmp_path):
    page = tmp_path / "new" / "figures.md"
    write_page(page, "# Figures\n\nrmse 0.7\n")
    assert page.read_text().startswith("# Figures\n\nrmse 0.7\n") and page.read_text().endswith(f"{BY_HAND}\n")
    notes = "\n## What it says\n\nNot much. ü\n"
    page.write_text(page.read_text().rstrip() + "\n" + notes, encoding="utf-8")
    for figure in ("0.6", "0.5"):
        write_page(page, f"# Figures\n\nrmse {figure}")
        assert page.read_text(encoding="utf-8") == f"# Figures\n\nrmse {figure}\n\n{BY_HAND}\n{notes}"


def test_a_page_that_no_command_wrote_is_kept_below_the_figures(tmp_path):
    page = tmp_path / "notes.md"
    page.write_text("# My notes of three weeks\n")
    for figure in ("0.6", "0.5"):
        write_page(page, f"rmse {figure}")
        assert page.read_text() == f"rmse {figure}\n\n{BY_HAND}\n\n# My notes of three weeks\n"


def test_a_page_that_cannot_be_written_is_as_it_was(tmp_path, monkeypatch):
    page = tmp_path / "figures.md"
    write_page(page, "before")
    before = page.read_bytes()

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_page(page, "after")
    assert page.read_bytes() == before

"""The bench of the depth logger measures the real node, says which goals are missed, and keeps what people wrote."""

from __future__ import annotations

import json

import pytest

from bench import depth_logger as bench


@pytest.fixture(scope="module")
def values() -> dict:
    return bench.measure("compressed", 1.5)


def test_the_real_logger_is_measured(values):
    assert values["sent"] == 45 and 0 < values["pairs"] <= 45
    assert values["in_folder"] >= values["written"] > 0 and values["depth_as_sent"] == values["in_folder"]
    assert 0 < values["cpu_share_of_one_core"] < 2 and values["memory_mb"]["last"] > 20
    assert values["read_from_disk_hz"] > 0 and values["read_from_memory_hz"] > 0 and values["bytes_a_frame"] > 1e5


@pytest.fixture
def good(values) -> dict:
    """As if all goals were met, whatever else ran on this machine."""
    perfect = {"colour_received": 45, "depth_received": 45, "pairs": 45, "kept": 15, "written": 15, "lost": 0}
    return {**values, **perfect, "lost_by_reason": {}, "memory_mb": {"smallest": 100, "largest": 101, "last": 101}}


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, set()),
        ({"depth_received": 44, "pairs": 44}, {"of these received, both images", "pairs seen"}),
        ({"written": 14, "lost": 1, "lost_by_reason": {"disk too slow": 1}}, {"written", "lost"}),
        ({"memory_mb": {"smallest": 100, "largest": 120, "last": 120}}, {"resident memory after 20% of the time"}),
    ],
)
def test_each_goal_missed_is_said(good, changes, missed):
    rows = bench.rows({**good, **changes})
    assert {row.what for row in rows if row.met is False} == missed
    assert all(why in " ".join(row.value for row in rows) for why in changes.get("lost_by_reason", ()))


def test_figures_are_kept_by_transport_below_what_people_wrote(good, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "measure", lambda transport, seconds: {**good, "lost": int(transport == "raw")})
    text = tmp_path / "depth_logger.md"
    assert bench.main(["compressed", "--out", str(tmp_path)]) == 0
    text.write_text(text.read_text().replace("# The depth logger\n", "# The depth logger\n\nWritten by a person.\n"))
    assert bench.main(["raw", "--out", str(tmp_path)]) == 1
    assert set(json.loads((tmp_path / "depth_logger.json").read_text())) == {"raw", "compressed"}
    told = text.read_text()
    assert "Written by a person." in told and told.count("## Figures") == 1
    assert told.index("### raw") < told.index("### compressed") and "| lost | 1 | none: MISSED |" in told
    assert "`python -m bench.depth_logger raw --out" in told


def test_an_unknown_transport_is_named(capsys):
    with pytest.raises(SystemExit):
        bench.main(["tcp"])
    assert "no transport tcp; there are: raw, compressed" in capsys.readouterr().err

"""The bench keeps what was measured, and tells by its exit code whether the goals were met."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from bench import __main__ as command
from bench import overhead, transport
from bench.figure import Figure, Row
from bench.pixel_network import write_pixel_network
from mtl_perception.network import Network
from training.results_page import BY_HAND


def figure(title: str, met: bool | None, measured: float = 1.0) -> Figure:
    goal = "" if met is None else "at most 2"
    return Figure(
        title,
        f"How {title} is measured.",
        lambda model, out: {"value": measured},
        lambda values: [Row(f"{title} time", f"{values['value']:g} ms", goal, met)],
    )


@pytest.fixture
def measure(network, tmp_path, monkeypatch):
    def run(*names: str, **figures: Figure) -> int:
        monkeypatch.setattr(command, "FIGURES", figures)
        return command.main([*names, "--model", str(network), "--out", str(tmp_path)])

    return run


def test_every_figure_measured_is_kept_for_programs_and_for_people(measure, tmp_path):
    assert measure(a=figure("alpha", True, 1.5), b=figure("beta", None, 2.5)) == 0
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert {name: entry["values"]["value"] for name, entry in kept.items()} == {"a": 1.5, "b": 2.5}
    table = (tmp_path / "bench.md").read_text()
    assert "| alpha time | 1.5 ms | at most 2: met |" in table
    assert "| beta time | 2.5 ms |  |" in table
    for fact in ("tiny at 64x48", "python -m bench", "cores", "load average", "onnxruntime "):
        assert fact in table


def test_a_figure_measured_anew_leaves_the_others(measure, tmp_path):
    measure(a=figure("alpha", True, 1.0), b=figure("beta", True, 2.0))
    assert measure("b", a=figure("alpha", True, 7.0), b=figure("beta", True, 3.0)) == 0
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert (kept["a"]["values"]["value"], kept["b"]["values"]["value"]) == (1.0, 3.0)
    table = (tmp_path / "bench.md").read_text()
    assert "1 ms" in table
    assert "3 ms" in table


def test_what_people_wrote_below_the_figures_stays(measure, tmp_path):
    measure(a=figure("alpha", True, 1.0))
    page = tmp_path / "bench.md"
    page.write_text(page.read_text() + "\nThat day the machine was busy.\n")
    measure(a=figure("alpha", True, 7.0))
    table, _, by_hand = page.read_text().partition(BY_HAND)
    assert "7 ms" in table and "1 ms" not in table
    assert by_hand == "\n\nThat day the machine was busy.\n"


def test_a_missed_goal_is_said_and_the_numbers_are_kept(measure, tmp_path, capsys):
    assert measure(a=figure("alpha", False, 9.0), b=figure("beta", True)) == 1
    assert "goal missed: alpha time is 9 ms, the goal is at most 2" in capsys.readouterr().err
    assert json.loads((tmp_path / "bench.json").read_text())["a"]["values"]["value"] == 9.0
    assert "at most 2: MISSED" in (tmp_path / "bench.md").read_text()


def test_an_unknown_figure_or_network_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(["speed"])
    assert stop.value.code == 2
    assert "there is no figure 'speed'; there are: overhead" in capsys.readouterr().err
    assert command.main(["--model", str(tmp_path / "none.onnx"), "--out", str(tmp_path)]) == 2
    assert "none.onnx" in capsys.readouterr().err


def test_the_pixel_network_copies_pixels(tmp_path):
    write_pixel_network(tmp_path / "pixel.onnx", 24, 32)
    rgb = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    prediction = Network(tmp_path / "pixel.onnx").predict(rgb)
    for output, channel in ((prediction.depth, 0), (prediction.segmentation, 1), (prediction.confidence, 2)):
        np.testing.assert_array_equal(output, rgb[..., channel])


def test_a_few_frames_through_the_node_are_timed(network, tmp_path):
    values = overhead.measure(network, tmp_path, pairs=2, frames=4)
    fastest = [values[k]["min"] for k in ("network_alone_ms", "node_end_to_end_ms", "camera_to_results_ms")]
    assert values["frames"] == 8
    assert 0 < fastest[0] < fastest[1] < fastest[2]
    medians = [values[k]["median"] for k in ("network_alone_ms", "node_end_to_end_ms")]
    assert values["ratio_of_medians"] == pytest.approx(medians[1] / medians[0])
    assert values["met"] == (values["ratio_of_medians"] <= overhead.GOAL)


def test_frames_into_another_process_are_counted(network, monkeypatch):
    monkeypatch.setattr(transport, "_WARM_UP", 5)
    before = dict(os.environ)
    run = transport._run(network, True, 10)
    assert os.environ == before
    assert run.sent == 10
    assert 0 < run.answered == len(run.latencies) <= run.received <= 10

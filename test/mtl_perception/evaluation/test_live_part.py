"""What was measured live, and what could not be, in the metrics of an evaluation; the node is another test's."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from recorder import IMAGE, INFO, record_frames

from mtl_perception.evaluation import command
from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.evaluation.live_part import add_live
from mtl_perception.evaluation.metrics_file import read_metrics
from mtl_perception.evaluation.topics import Topics
from mtl_perception.recordings.errors import BagError

MODELS = {"a": Path("a.onnx"), "b": Path("b.onnx")}
TOPICS = Topics("/image", "/info")


def metrics() -> dict:
    return {"complete": True, "stopped_by": None, "models": [{"name": "a"}, {"name": "b"}]}


def test_every_model_is_measured_on_the_same_topics():
    asked = []
    found = metrics()
    assert add_live(found, Path("bag"), MODELS, TOPICS, lambda *what: asked.append(what) or {"n": len(asked)}) is None
    assert asked == [(Path("bag"), path, "/image", "/info") for path in MODELS.values()]
    assert [m["live"] for m in found["models"]] == [{"n": 1}, {"n": 2}]


def test_a_model_that_was_not_running_has_no_part():
    found = metrics()
    assert (
        add_live(found, Path("bag"), MODELS, TOPICS, lambda bag, model, *_: {"n": 1} if model.stem == "a" else None)
        is None
    )
    assert "live" in found["models"][0] and "live" not in found["models"][1]


@pytest.mark.parametrize("error", [BagError("it is\ntorn"), RuntimeError("it is\ntorn")])
def test_what_goes_wrong_is_one_line_and_leaves_what_was_measured(error):
    found = metrics()

    def live(bag, model, *topics):
        if model.stem == "b":
            raise error
        return {"n": 1}

    assert add_live(found, Path("bag"), MODELS, TOPICS, live) == "it is torn"
    assert found["models"] == [{"name": "a", "live": {"n": 1}}, {"name": "b"}] and found["complete"]


def test_ctrl_c_is_marked_and_nothing_is_begun_after_it():
    found = metrics()

    def live(*what):
        raise KeyboardInterrupt

    assert add_live(found, Path("bag"), MODELS, TOPICS, live) is None
    assert (found["complete"], found["stopped_by"]) == (False, "interrupted")
    assert add_live(found, Path("bag"), MODELS, TOPICS, lambda *what: pytest.fail("begun")) is None


def test_an_evaluation_keeps_its_figures_when_the_node_cannot_be_measured(tmp_path, network, monkeypatch, capsys):
    monkeypatch.setattr(command, "_write_report", lambda *_: None)
    parser = argparse.ArgumentParser()
    command.add_evaluate_arguments(parser)
    bag = record_frames(tmp_path / "bag", 3)
    options = parser.parse_args([str(bag), "--model", str(network), "--out", str(tmp_path / "out")])

    def live(bag, model, image, camera_info):
        assert (model, image, camera_info) == (network, IMAGE, INFO)
        raise RuntimeError("the node did not come up")

    with pytest.raises(EvaluationError, match=r"^not measured live: the node did not come up$"):
        command.evaluate(options, "test", live)
    (model,) = read_metrics(tmp_path / "out" / "metrics.json")["models"]
    assert "depth" in model and "live" not in model
    assert command.evaluate(options, "test", lambda *what: {"rate_hz": 9.5}) == command.GOOD
    assert "live_rate_hz 9.5" in capsys.readouterr().out
    assert read_metrics(tmp_path / "out" / "metrics.json")["models"][0]["live"] == {"rate_hz": 9.5}

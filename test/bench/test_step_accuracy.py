"""Two recipes of the loss are trained alike and compared seed by seed; what is done is not done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ball_folder import write_folder

from bench import step_accuracy
from training.errors import ConfigurationError

FIT = {
    "data": {"height": 64, "width": 64, "focal_length": 60, "batch_size": 4, "workers": 0},
    "model": {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]},
}


def test_recipes_are_compared_seed_by_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MTL_PERCEPTION_DATA", str(tmp_path / "elsewhere"))  # Folders are those that the shell shows.
    monkeypatch.setattr(step_accuracy, "FIT", FIT)
    write_folder(Path("balls"))
    arguments = ["balls:train", "balls:val", "--steps", "2", "--seeds", "0", "1", "--out", "out"]
    step_accuracy.main(arguments)
    values = json.loads(Path("out/step_accuracy.json").read_text())["values"]
    for seed in "01":  # The same first weights and frames: what differs is the loss.
        assert values["ours"][seed]["rmse"] != values["plain"][seed]["rmse"]
        assert values["ours"][seed]["rmse"] == pytest.approx(values["plain"][seed]["rmse"], rel=0.2)
    difference = sum(values["ours"][s]["rmse"] - values["plain"][s]["rmse"] for s in "01") / 2
    text = Path("out/step_accuracy.md").read_text()
    assert f"| {difference:.3f} ± " in next(line for line in text.splitlines() if line.startswith("| ours less plain"))

    monkeypatch.setattr(step_accuracy, "fit_resumably", None)
    step_accuracy.main(arguments)
    with pytest.raises(ConfigurationError, match="is of train balls:train: delete its folder"):
        step_accuracy.main(["balls:val", "balls:train", *arguments[2:]])
    with pytest.raises(ConfigurationError, match="is trained on and measured"):
        step_accuracy.main(["balls:train", "balls", *arguments[2:]])

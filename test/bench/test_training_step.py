"""The plain recipe that training steps are measured against is the same training, only slower."""

from __future__ import annotations

import pytest
import torch
from ball_folder import write_folder

from bench.training_step import Recipe, measure
from training.datasets.source import Source


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("data") / "balls")
    return Source(folder, folder.names("train"))


def test_the_two_recipes_learn_the_same_from_the_same_batch(source):
    ours, plain = Recipe(source, True, (64, 64)), Recipe(source, False, (64, 64))
    torch.manual_seed(0)
    batch = ours.batch(0)
    losses = [r.loss(r.module.network(batch["image"]), batch) for r in (ours, plain)]
    for task in ("depth", "semantic"):
        torch.testing.assert_close(losses[0][f"final_{task}"], losses[1][f"final_{task}"], rtol=1e-3, atol=1e-4)


def test_steps_and_loading_are_timed_apart(source):
    times = measure(source, (64, 64), 2)
    assert {name: len(values) for name, values in times.items()} == {
        f"{recipe} {what}": 2 for recipe in ("ours", "plain") for what in ("step", "batch")
    }
    assert all(value > 0 for values in times.values() for value in values)

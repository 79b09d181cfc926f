"""The plain recipe that training steps are measured against is the same training, only slower."""

from __future__ import annotations

import pytest
import torch
from ball_folder import write_folder

from bench.training_step import BACKBONES, Recipe, measure, measure_precisions
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


def test_precisions_are_timed_on_each_backbone(source):
    times = measure_precisions(source, (64, 64), 1)
    assert times.keys() == set(BACKBONES)
    for by_precision in times.values():
        assert {name: len(values) for name, values in by_precision.items()} == {"fp32": 1, "bf16-mixed": 1}


def test_mixed_precision_computes_in_bfloat16_and_keeps_weights_in_float32(source):
    recipe = Recipe(source, True, (64, 64), bf16=True)
    seen = []
    recipe.module.network.aggregate["depth"].register_forward_hook(lambda *a: seen.append(a[-1].dtype))
    recipe.step(recipe.batch(0))
    assert seen == [torch.bfloat16] and {p.dtype for p in recipe.module.parameters()} == {torch.float32}

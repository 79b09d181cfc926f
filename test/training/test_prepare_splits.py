"""Splits drawn from the official ones: of the paper's sizes, and the same for ever."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from training.prepare import cityscapes, nyudv2
from training.prepare.splits import draw, incomplete, with_drawn

NAMES = [f"{i:04d}" for i in range(1, 796)]


def test_the_papers_sizes():
    for module, sizes in (
        (nyudv2, {"train": 795, "test": 654, "train_500": 500, "val_395": 395}),
        (cityscapes, {"train": 2975, "val": 500, "train_300": 300, "val_200": 200}),
    ):
        official = {split: [f"{split}_{i}" for i in range(count)] for split, count in module.SIZES.items()}
        splits = with_drawn(official, module.DRAWN)
        assert {split: len(names) for split, names in splits.items()} == sizes
        assert incomplete(splits, sizes) is None
        for split, (source, _) in module.DRAWN.items():
            assert set(splits[split]) < set(official[source])


def test_the_draw_never_changes():
    """Else figures measured before and after would be of different frames."""
    drawn = draw(NAMES, 500)
    assert (
        hashlib.sha256(" ".join(drawn).encode()).hexdigest()
        == "0c80e0dcea196fdd5efd55a79b995dd90adcff59a649f6718ca11738d5912f1a"
    )


@given(st.permutations(NAMES[:40]), st.integers(0, 40), st.integers(0, 40))
def test_a_draw_depends_on_names_only_and_a_smaller_one_is_part_of_a_larger(names, a, b):
    small, large = sorted((a, b))
    assert set(draw(names, small)) <= set(draw(NAMES[:40], large))
    assert len(draw(names, small)) == small
    assert draw(names, small) == [name for name in names if name in draw(NAMES[:40], small)]


def test_a_draw_prefers_no_part_of_the_set():
    drawn = [NAMES.index(name) for name in draw(NAMES, 400)]
    quarters = [sum(i // 199 == q for i in drawn) for q in range(4)]
    assert min(quarters) > 80

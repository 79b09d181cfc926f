"""Mixed frames: a rectangle of another frame, and its labels with it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.datasets.mixing import CutMix, rectangle
from training.datasets.sample import IGNORE, SOFT_SEMANTIC, Sample, collate


def frame(index: int, height: int, width: int) -> Sample:
    """A frame whose pixels and labels all tell which frame they are of; the first is without classes."""
    sample = Sample(image=torch.full((3, height, width), index / 10), depth=torch.full((height, width), float(index)))
    if index == 1:
        sample["soft_semantic"] = torch.full((2, height // 4, width // 4), 0.5)
    else:
        sample["semantic"] = torch.full((height, width), index)
    return sample


@settings(max_examples=30)
@given(st.integers(2, 5), st.sampled_from([(32, 32), (32, 64), (96, 128)]), st.floats(0, 1), st.integers(0, 99))
def test_a_pixel_keeps_its_labels_whichever_frame_it_is_seen_in(frames, size, share, seed):
    torch.manual_seed(seed)
    mixed = CutMix(share)([frame(i + 1, *size) for i in range(frames)])
    of = (mixed["image"][:, 0] * 10).round().long()
    assert torch.equal(mixed["depth"], of.float())
    assert torch.equal(mixed["semantic"], of.where(of != 1, IGNORE))
    soft = mixed[SOFT_SEMANTIC].sum(1).repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert torch.equal(soft == 1, of == 1)


def test_so_many_frames_are_mixed_and_the_largest_part_of_a_frame_is_its_own():
    torch.manual_seed(0)
    samples = [frame(i + 1, 96, 128) for i in range(4)]
    own = torch.arange(1, 5)[:, None, None]
    foreign = torch.stack([((CutMix(0.5)(samples)["depth"] != own).float().mean((1, 2))) for _ in range(100)])
    assert 0.4 < (foreign > 0).float().mean() < 0.6
    assert foreign.max() <= 0.57 and foreign[foreign > 0].min() >= 0.06
    unmixed = CutMix(0.0)(samples)
    assert all(torch.equal(unmixed[key], value) for key, value in collate(samples).items())


@pytest.mark.parametrize("size", [(32, 32), (96, 128), (480, 640)])
def test_a_rectangle_lies_in_the_frame_on_whole_cells(size):
    torch.manual_seed(0)
    boxes = torch.tensor([rectangle(*size) for _ in range(200)])
    assert (boxes % 4 == 0).all() and (boxes >= 0).all()
    assert (boxes[:, 2] <= size[0]).all() and (boxes[:, 3] <= size[1]).all()
    assert boxes[:, 0].min() == 0 and boxes[:, 2].max() == size[0]  # The edges are reached too.

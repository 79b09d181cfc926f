"""Resizing for export: the numbers of an antialiased bilinear resize, whichever way it is computed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from training.deployed.resize import SeparableResize, StridedResize, shrink

sides = st.integers(4, 90)


def resized(x: torch.Tensor, target: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(x, size=target, mode="bilinear", antialias=True, align_corners=False)


@settings(max_examples=60)
@given(sides, sides, sides, sides)
def test_any_size_to_any_size_is_the_antialiased_resize(height, width, new_height, new_width):
    x = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(height))
    for module in (SeparableResize, shrink):
        torch.testing.assert_close(
            module((height, width), (new_height, new_width))(x), resized(x, (new_height, new_width)), atol=1e-5, rtol=0
        )


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ((480, 640), (192, 256), StridedResize),
        ((480, 640), (96, 128), StridedResize),
        ((480, 640), (240, 320), StridedResize),
        ((720, 1280), (288, 512), StridedResize),
        ((480, 640), (160, 224), StridedResize),  # 3 to 1, and 20 to 7
        ((480, 640), (480, 640), SeparableResize),
        ((96, 128), (480, 640), SeparableResize),
        ((481, 640), (192, 256), SeparableResize),
    ],
)
def test_pictures_are_shrunk_by_a_convolution_where_that_is_the_same(source, target, kind):
    module = shrink(source, target)
    assert isinstance(module, kind)
    x = torch.rand(1, 3, *source, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module(x), resized(x, target), atol=1e-5, rtol=0)

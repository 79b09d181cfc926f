"""How far a network moves when another library, precision or engine runs it: on frames, no truth needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mtl_perception.backends import Backend
from mtl_perception.letterbox import Letterbox

_EDGES = np.logspace(-8, 2, 2001)
"""Of the histogram of relative errors: 200 bins a decade, so that a percentile is at most 1.2 % too high."""
_NEAREST = 1e-3
"""Metres below which a reference depth is taken for this, so that an error is relative to something."""


@dataclass(frozen=True)
class Tolerance:
    """How far a network may move: relative errors of depth at the most, share of pixels of one class at the least."""

    depth_median: float
    depth_p99: float
    same_class: float


TOLERANCES = {
    "fp32": Tolerance(depth_median=1e-4, depth_p99=1e-3, same_class=0.999),
    "fp16": Tolerance(depth_median=3e-3, depth_p99=2e-2, same_class=0.995),
    "int8": Tolerance(depth_median=2e-2, depth_p99=0.15, same_class=0.98),
}
"""By precision: a few times what the shipped network moves on frames of ``house`` where all is well. Another order of
sums is some 1e-6 of depth in float32. Half precision moves it by 6e-4, by 3e-3 at the 99th percentile, and keeps
99.95 % of the classes; a good 8-bit network by 9e-3, 6e-2, and keeps 99.6 %. Whether one is good enough ``evaluate``
measures."""


@dataclass(frozen=True)
class Parity:
    """How two networks differ, over all pixels of all frames.

    Attributes:
        frames: how many were compared.
        depth_median, depth_p99: of the error of depth relative to the reference; at most 1.2 % above the true one.
        depth_broken: share of pixels where depth is not finite and the reference is.
        same_class: share of pixels of the same class.
        worst_same_class: the same of the frame where it is least.
    """

    frames: int
    depth_median: float
    depth_p99: float
    depth_broken: float
    same_class: float
    worst_same_class: float

    def beyond(self, tolerance: Tolerance) -> list[str]:
        """What is out of ``tolerance``, a phrase each; none where the networks agree."""
        complaints = []
        if self.depth_broken:
            complaints.append(f"depth is not finite in {self.depth_broken:.2%} of the pixels")
        for name, value, limit in (
            ("median", self.depth_median, tolerance.depth_median),
            ("99th percentile", self.depth_p99, tolerance.depth_p99),
        ):
            if not value <= limit:
                complaints.append(f"depth moved by {value:.2%} ({name}), more than {limit:.2%}")
        if not self.same_class >= tolerance.same_class:
            complaints.append(
                f"{self.same_class:.2%} of the pixels kept their class, fewer than {tolerance.same_class:.2%}"
            )
        return complaints

    def table(self, tolerance: Tolerance) -> str:
        """The figures beside their limits, for people to read."""
        rows = [
            ("depth error, median", f"{self.depth_median:.4%}", f"<= {tolerance.depth_median:.2%}"),
            ("depth error, 99th percentile", f"{self.depth_p99:.4%}", f"<= {tolerance.depth_p99:.2%}"),
            ("depth not finite", f"{self.depth_broken:.4%}", "none"),
            ("pixels of the same class", f"{self.same_class:.4%}", f">= {tolerance.same_class:.2%}"),
            ("  in the worst frame", f"{self.worst_same_class:.4%}", ""),
        ]
        return "\n".join(f"  {name:<30} {value:>10}   {limit}".rstrip() for name, value, limit in rows)


def compare(reference: Backend, other: Backend, frames: Iterable[np.ndarray]) -> Parity:
    """Run both on each frame and tell how far ``other`` is from ``reference``.

    Only the frame's own pixels count, not those that pad it to the network's shape.

    Args:
        reference: what is right, e.g. ONNX Runtime on a CPU in float32.
        other: what is to give the same. Both are of one input size.
        frames: (H, W, 3) uint8 RGB, of any sizes.

    Raises:
        ValueError: there is no frame, or the input sizes differ.
        NetworkError: one of them failed.
    """
    if reference.input_shape != other.input_shape:
        raise ValueError(f"the networks' inputs differ: {reference.input_shape} and {other.input_shape}")
    broken, counts = 0, np.zeros(len(_EDGES) + 1, np.int64)
    shares: list[tuple[int, int]] = []
    for rgb in frames:
        box = Letterbox((rgb.shape[0], rgb.shape[1]), reference.input_shape)
        image = box.to_network(rgb)
        depth, classes = (box.crop(output) for output in reference.run(image)[:2])
        other_depth, other_classes = (box.crop(output) for output in other.run(image)[:2])
        shares.append((int((classes == other_classes).sum()), classes.size))
        known = np.isfinite(depth)
        lost = known & ~np.isfinite(other_depth)
        broken += int(lost.sum())
        known &= ~lost
        error = np.abs(other_depth[known] - depth[known]) / np.maximum(np.abs(depth[known]), _NEAREST)
        counts += np.bincount(np.searchsorted(_EDGES, error), minlength=len(counts))
    if not shares:
        raise ValueError("there is no frame to compare the networks on")
    pixels = sum(size for _, size in shares)
    return Parity(
        frames=len(shares),
        depth_median=_percentile(counts, 0.5),
        depth_p99=_percentile(counts, 0.99),
        depth_broken=broken / pixels,
        same_class=sum(same for same, _ in shares) / pixels,
        worst_same_class=min(same / size for same, size in shares),
    )


def _percentile(counts: np.ndarray, share: float) -> float:
    """The upper edge of the bin in which ``share`` of all is reached: 0 below the first, infinite above the last."""
    total = counts.sum()
    if not total:
        return float("nan")
    bin_ = int(np.searchsorted(np.cumsum(counts), share * total))
    return 0.0 if bin_ == 0 else float([*_EDGES, np.inf][bin_])

"""Figures of a stream of which every time is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.evaluation.live_figures import live_figures


@dataclass
class SeenStream:
    frames_in: int
    frames_out: int
    sent: dict[int, float]
    received: dict[int, float]
    age: dict[int, float]
    repeated: set[int] = field(default_factory=set)
    network_ms: list[tuple[float, float]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, figure: str) -> int:
        return self.counts.get(figure, 0)


def stream(latencies: dict[int, float], frames: int, period: float = 0.1, **more) -> SeenStream:
    """``frames`` frames every ``period`` s, of which those in ``latencies`` come back after so many seconds."""
    sent = {i: 5.0 + i * period for i in range(frames)}
    return SeenStream(
        frames_in=frames,
        frames_out=len(latencies),
        sent=sent,
        received={i: sent[i] + late for i, late in latencies.items()},
        age={i: late + 0.03 for i, late in latencies.items()},
        counts={"frames received": frames, "frames published": len(latencies)},
        **more,
    )


def test_rates_latency_and_age_are_those_of_the_stream():
    figures = live_figures(stream({i: 0.02 if i % 2 else 0.04 for i in range(21)}, 21))
    assert figures["rate_in_hz"] == 10.0
    assert figures["rate_hz"] == pytest.approx(10.0, abs=0.2)
    assert figures["latency_ms"] == {"median": 40.0, "p95": 40.0, "max": 40.0}
    assert figures["age_ms"] == {"median": 70.0, "p95": 70.0, "max": 70.0}
    assert (figures["frames_in"], figures["frames_out"], figures["dropped"]) == (21, 21, 0)
    assert figures["dropped_by"] == {}


def test_every_missing_frame_is_said_to_be_lost_somewhere():
    seen = stream({i: 0.01 for i in range(0, 20, 2)}, 20, dropped={"a newer one came first": 7})
    seen.counts = {"frames received": 18, "frames published": 11}
    figures = live_figures(seen)
    assert figures["dropped"] == 10 == sum(figures["dropped_by"].values())
    assert figures["dropped_by"] == {
        "a newer one came first": 7,
        "lost on the way back": 1,
        "lost on the way to the node": 2,
    }


def test_an_image_that_the_listener_missed_went_in_all_the_same():
    seen = stream({i: 0.01 for i in range(12)}, 12)
    for stamp in (3, 4):
        del seen.sent[stamp]
    seen.frames_in = 10
    figures = live_figures(seen)
    assert (figures["frames_in"], figures["frames_out"], figures["dropped"]) == (12, 12, 0)
    assert figures["dropped_by"] == {} and sum(figures["latency_histogram"]["counts"]) == 10


def test_one_straggler_does_not_flatten_the_histogram():
    latencies = {i: 0.010 + 0.0001 * (i % 40) for i in range(400)} | {400: 3.0}
    histogram = live_figures(stream(latencies, 401))["latency_histogram"]
    assert sum(histogram["counts"]) == 401
    assert histogram["edges_ms"][-1] <= 20
    assert np.count_nonzero(histogram["counts"]) >= 5
    assert histogram["counts"][-1] >= 1


@given(st.lists(st.floats(1e-5, 100), min_size=1, max_size=60))
def test_the_histogram_holds_every_frame_in_round_bins(latencies):
    figures = live_figures(stream(dict(enumerate(latencies)), len(latencies)))
    edges, counts = figures["latency_histogram"]["edges_ms"], figures["latency_histogram"]["counts"]
    assert sum(counts) == len(latencies) and len(edges) == len(counts) + 1 <= 32
    assert edges[0] == 0 and np.all(np.diff(edges) > 0)
    spread = figures["latency_ms"]
    assert spread["median"] <= spread["p95"] <= spread["max"]


def test_frames_that_share_a_stamp_are_counted_but_not_timed():
    figures = live_figures(stream({i: 0.02 for i in range(10)}, 10, repeated={3, 4}))
    assert sum(figures["latency_histogram"]["counts"]) == 8
    assert figures["frames_out"] == 10
    only = live_figures(stream({0: 0.02}, 1, repeated={0}))
    assert not only.keys() & {"latency_ms", "age_ms", "latency_histogram", "rate_hz"}


def test_the_networks_time_is_the_middle_of_what_the_node_said():
    figures = live_figures(stream({0: 0.1, 1: 0.1}, 2, network_ms=[(10.0, 20.0), (11.0, 30.0), (90.0, 95.0)]))
    assert figures["network_ms"] == {"median": 11.0, "p95": 30.0}

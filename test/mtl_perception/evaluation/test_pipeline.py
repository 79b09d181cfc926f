"""The three stages: order, errors of each, an early end, and that they work at the same time."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from mtl_perception.evaluation.frames import Frame
from mtl_perception.evaluation.pipeline import Predicted, run
from mtl_perception.network import Network, Prediction

RGB = np.zeros((4, 4, 3), np.uint8)


class SlowNetwork:
    """Takes ``seconds`` a frame, without the interpreter, as a real one does."""

    def __init__(self, seconds: float = 0.0, fails_at: int = -1) -> None:
        self.seconds, self.fails_at, self.count = seconds, fails_at, 0

    def warm_up(self, runs: int) -> None:
        pass

    def predict(self, rgb, focal_length) -> Prediction:
        if self.count == self.fails_at:
            raise ZeroDivisionError("network")
        self.count += 1
        time.sleep(self.seconds)
        return Prediction(*(np.ones((4, 4), t) for t in (np.float32, np.uint8, np.uint8)), (0.0, 1.0))


def frames(count: int, seconds: float = 0.0, fails_at: int = -1):
    for i in range(count):
        if i == fails_at:
            raise ZeroDivisionError("frames")
        time.sleep(seconds)
        yield Frame(i, i, RGB, None, None, None)


def test_every_frame_goes_through_in_order():
    seen: list[Predicted] = []
    paces = [p.frames for p in run(frames(30), [SlowNetwork(), SlowNetwork()], seen.append)]
    assert [p.frame.index for p in seen] == list(range(30)) and paces == list(range(1, 31))
    assert all(len(p.predictions) == len(p.milliseconds) == 2 for p in seen)


def test_the_stages_work_at_the_same_time():
    """One after the other they would take three times as long."""
    each, count = 0.02, 20
    started = time.perf_counter()
    list(run(frames(count, each), [SlowNetwork(each)], lambda _: time.sleep(each)))
    assert time.perf_counter() - started < 2 * each * count


def test_milliseconds_are_those_of_the_network():
    seen: list[Predicted] = []
    list(run(frames(3), [SlowNetwork(0.03)], seen.append))
    assert all(25 < p.milliseconds[0] < 300 for p in seen)


@pytest.mark.parametrize("stage", ["frames", "network", "score"])
def test_what_a_stage_raises_comes_out_after_what_was_before(stage):
    seen: list[int] = []

    def score(predicted: Predicted) -> None:
        if stage == "score" and predicted.frame.index == 7:
            raise ZeroDivisionError("score")
        seen.append(predicted.frame.index)

    fails = {name: 7 if name == stage else -1 for name in ("frames", "network")}
    steps = run(frames(50, fails_at=fails["frames"]), [SlowNetwork(fails_at=fails["network"])], score)
    with pytest.raises(ZeroDivisionError, match=stage):
        list(steps)
    assert seen == list(range(7))
    assert not [t for t in threading.enumerate() if t.name in ("decoding", "scoring")]


def test_an_early_end_leaves_what_was_predicted_scored_and_no_thread():
    seen: list[Predicted] = []
    with closing(run(frames(1000), [SlowNetwork(0.001)], lambda p: (time.sleep(0.005), seen.append(p)))) as steps:
        for pace in steps:
            if pace.frames == 5:
                break
    assert [p.frame.index for p in seen] == list(range(5))
    assert not [t for t in threading.enumerate() if t.name in ("decoding", "scoring")]


def test_ctrl_c_likewise():
    """It strikes the thread that runs the networks."""

    class Interrupted(SlowNetwork):
        def predict(self, rgb, focal_length):
            if self.count == 4:
                raise KeyboardInterrupt
            return super().predict(rgb, focal_length)

    seen: list[Predicted] = []
    with pytest.raises(KeyboardInterrupt):
        list(run(frames(1000), [Interrupted()], seen.append))
    assert len(seen) == 4
    assert not [t for t in threading.enumerate() if t.name in ("decoding", "scoring")]


def test_no_frames_are_no_problem(network):
    assert list(run(iter(()), [Network(network)], print)) == []


def test_few_frames_wait_between_the_stages():
    """A slow network must not let the recording pile up in memory."""
    made = []

    def counted():
        for frame in frames(1000):
            made.append(frame.index)
            yield frame

    with closing(run(counted(), [SlowNetwork(0.01)], lambda _: None)) as steps:
        for pace in steps:
            assert len(made) - pace.frames < 10
            if pace.frames == 20:
                break

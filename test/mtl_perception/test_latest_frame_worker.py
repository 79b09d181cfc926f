"""One slot, one thread: the latest frame wins, no error ends it, and it stops when told."""

from __future__ import annotations

import threading
import time

import pytest

from mtl_perception.latest_frame_worker import LatestFrameWorker


class Bench:
    """Work that a test can hold up; what was worked on is in ``done``."""

    def __init__(self) -> None:
        self.done: list = []
        self.errors: list[Exception] = []
        self.started = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.worker = LatestFrameWorker(self.process, self.errors.append)

    def process(self, frame) -> None:
        self.started.release()
        assert self.go_on.acquire(timeout=10)
        if isinstance(frame, Exception):
            raise frame
        self.done.append(frame)

    def begin(self, frame) -> bool:
        """Put ``frame`` and wait until the thread is at it."""
        replaced = self.worker.put(frame)
        assert self.started.acquire(timeout=10)
        return replaced

    def finish(self, frames: int = 1) -> None:
        self.go_on.release(frames)


@pytest.fixture
def bench():
    bench = Bench()
    yield bench
    bench.go_on.release(1000)
    bench.worker.stop()


def test_the_latest_of_the_frames_that_came_meanwhile_is_next(bench):
    assert not bench.begin("first")
    assert [bench.worker.put(frame) for frame in ("second", "third", "fourth")] == [False, True, True]
    bench.finish()
    assert bench.started.acquire(timeout=10)
    assert not bench.worker.put("fifth")  # the fourth is at work, no longer waiting
    bench.finish(2)
    assert bench.started.acquire(timeout=10)
    bench.worker.stop()
    assert bench.done == ["first", "fourth", "fifth"]


def test_every_frame_is_worked_on_when_there_is_time(bench):
    for i in range(50):
        bench.finish()
        assert not bench.begin(i)
    bench.worker.stop()
    assert bench.done == list(range(50))


def test_an_error_is_told_and_does_not_end_the_work(bench):
    error = ValueError("a bad frame")
    bench.finish(2)
    bench.begin(error)
    bench.begin("good")
    bench.worker.stop()
    assert bench.errors == [error] and bench.done == ["good"]


def test_it_stops_at_once_when_idle(bench):
    start = time.monotonic()
    bench.worker.stop()
    assert time.monotonic() - start < 1
    bench.worker.stop()  # once more does no harm


def test_it_stops_after_the_frame_it_is_at_and_drops_the_next(bench):
    bench.begin("first")
    bench.worker.put("second")
    stopping = threading.Thread(target=bench.worker.stop)
    stopping.start()
    stopping.join(0.1)
    assert stopping.is_alive()
    bench.finish(2)
    stopping.join(10)
    assert not stopping.is_alive() and bench.done == ["first"]


def test_its_thread_is_gone_after_stop(bench):
    def names() -> list[str]:
        return [thread.name for thread in threading.enumerate()]

    before = names().count("perception")
    bench.worker.stop()
    assert names().count("perception") == before - 1


def test_frames_that_come_after_stop_are_not_worked_on(bench):
    bench.worker.stop()
    bench.finish()
    bench.worker.put("late")
    time.sleep(0.05)
    assert bench.done == []

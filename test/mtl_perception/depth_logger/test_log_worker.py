"""A queue that is bounded, keeps its order, and is worked off before the end."""

from __future__ import annotations

import threading
import time

from mtl_perception.depth_logger.log_worker import LogWorker


class Slow:
    """Something that works only when it may."""

    def __init__(self, capacity: int = 10, batch: int = 1) -> None:
        self.may = threading.Event()
        self.began = threading.Event()
        self.done: list[list] = []
        self.errors: list[Exception] = []
        self.worker = LogWorker("test", self.process, self.errors.append, capacity=capacity, batch=batch)

    def process(self, items) -> None:
        self.began.set()
        self.may.wait(10)
        self.done.append(list(items))
        if "bad" in items:
            raise ValueError("bad")


def test_everything_is_worked_on_in_order_up_to_a_batch_at_once():
    slow = Slow(capacity=100, batch=4)
    assert slow.worker.put(0)
    slow.began.wait(10)
    assert all(slow.worker.put(i) for i in range(1, 11)) and slow.worker.waiting == 11
    slow.may.set()
    assert slow.worker.stop(10) == 0
    assert slow.done == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_what_does_not_fit_is_refused_and_what_fits_is_not_lost():
    slow = Slow(capacity=3)
    assert slow.worker.put(0)
    slow.began.wait(10)
    assert [slow.worker.put(i) for i in range(1, 6)] == [True, True, True, False, False]
    slow.may.set()
    assert slow.worker.stop(10) == 0 and slow.done == [[0], [1], [2], [3]]
    assert not slow.worker.put(9)


def test_an_error_is_told_and_the_next_item_worked_on():
    slow = Slow()
    slow.may.set()
    for item in ("good", "bad", "good"):
        slow.worker.put(item)
    slow.worker.stop(10)
    assert [str(e) for e in slow.errors] == ["bad"] and len(slow.done) == 3


def test_the_end_does_not_wait_longer_than_it_may():
    slow = Slow()
    for i in range(5):
        slow.worker.put(i)
    slow.began.wait(10)
    threading.Timer(0.3, slow.may.set).start()
    start = time.monotonic()
    assert slow.worker.stop(0.1) == 4
    assert time.monotonic() - start < 5 and slow.done == [[0]]

"""Frames through networks to scores, the three at the same time: decoding, the networks, and the metrics.

Each stage has a thread, and short queues between keep memory flat. Frames stay in order, so that every run gives the
same figures.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mtl_perception.evaluation.frames import Frame
from mtl_perception.network import Network, Prediction

_WAITING = 4
"""Frames between two stages."""
_LOOK = 0.2
"""Seconds after which a stage that waits looks whether the others have ended."""
_WARM_UP = 2


@dataclass(frozen=True)
class Predicted:
    """A frame, and of each network what it made of it and how long it took, milliseconds."""

    frame: Frame
    predictions: Sequence[Prediction]
    milliseconds: Sequence[float]


@dataclass
class Pace:
    """How fast frames went through, whole seconds and frames."""

    frames: int = 0
    seconds: float = 0.0


class _End:
    """The last thing in a queue: that there is no more, or what went wrong."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def run(frames: Iterable[Frame], networks: Sequence[Network], score: Callable[[Predicted], None]) -> Iterator[Pace]:
    """Predict every frame with every network, and hand what comes out to ``score``, in a thread of its own.

    Yields:
        The pace so far, the same object, after each frame. When this ends, or is closed, all that was predicted has
        been scored.

    Raises:
        What ``frames``, a network or ``score`` raises, after what came before has been scored.
    """
    for network in networks:
        network.warm_up(_WARM_UP)
    stop = threading.Event()
    decoded: queue.Queue[Frame | _End] = queue.Queue(_WAITING)
    predicted: queue.Queue[Predicted | _End] = queue.Queue(_WAITING)
    pace = Pace()
    with _thread("decoding", lambda: _decode(frames, decoded, stop)):
        scoring = _Scoring(predicted, score)
        try:
            with _thread("scoring", scoring.work):
                try:
                    started = time.perf_counter()
                    for frame in _taken(decoded):
                        _put(predicted, _predict(frame, networks), lambda: scoring.error is not None)
                        pace.frames += 1
                        pace.seconds = time.perf_counter() - started
                        yield pace
                        if scoring.error is not None:
                            break
                finally:
                    stop.set()
                    _put(predicted, _End(), lambda: scoring.error is not None)
        finally:
            stop.set()
        pace.seconds = time.perf_counter() - started
        if scoring.error is not None:
            raise scoring.error


def _predict(frame: Frame, networks: Sequence[Network]) -> Predicted:
    predictions, milliseconds = [], []
    for network in networks:
        before = time.perf_counter()
        predictions.append(network.predict(frame.rgb, frame.focal_length))
        milliseconds.append((time.perf_counter() - before) * 1e3)
    return Predicted(frame, predictions, milliseconds)


def _decode(frames: Iterable[Frame], out: queue.Queue[Frame | _End], stop: threading.Event) -> None:
    end = _End()
    try:
        for frame in frames:
            if not _put(out, frame, stop.is_set):
                return
    except Exception as error:  # told in the thread that waits for frames
        end = _End(error)
    _put(out, end, stop.is_set)


def _taken(decoded: queue.Queue[Frame | _End]) -> Iterator[Frame]:
    while True:
        item = decoded.get()
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item


class _Scoring:
    """The last stage; ``error`` is what ended it before its time."""

    def __init__(self, predicted: queue.Queue[Predicted | _End], score: Callable[[Predicted], None]) -> None:
        self._predicted = predicted
        self._score = score
        self.error: Exception | None = None

    def work(self) -> None:
        try:
            while not isinstance(item := self._predicted.get(), _End):
                self._score(item)
        except Exception as error:  # told in the thread that predicts
            self.error = error


def _put(items: queue.Queue, item: object, given_up: Callable[[], bool]) -> bool:
    """Put ``item`` in as soon as there is room; False when there is none and nobody to make any."""
    while not given_up():
        try:
            items.put(item, timeout=_LOOK)
            return True
        except queue.Full:
            continue
    return False


@contextmanager
def _thread(name: str, work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()

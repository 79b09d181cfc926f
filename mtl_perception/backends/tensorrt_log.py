"""What TensorRT says, one line at a time, and how far it has come in building."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from mtl_perception.backends import NetworkError

try:
    import tensorrt

    _LOGGER, _MONITOR = tensorrt.ILogger, tensorrt.IProgressMonitor
except (ImportError, AttributeError) as error:  # the latter where only its type stubs are installed
    raise NetworkError(
        f"TensorRT is not there ({error}): on a Jetson apt install python3-libnvinfer, elsewhere pip install tensorrt"
    ) from error

_MOST_ERRORS = 20
_OUT_OF_MEMORY = ("out of memory", "outofmemory", "insufficient memory", "could not be allocated")
"""What TensorRT writes when there is too little of it, small letters."""


class Log(_LOGGER):
    """Keeps errors for all who ask, and lets all else go."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: list[list[str]] = []
        self._lock = threading.Lock()
        self._worst = (tensorrt.ILogger.Severity.ERROR, tensorrt.ILogger.Severity.INTERNAL_ERROR)

    def log(self, severity: Any, msg: str) -> None:
        """Take a message; TensorRT calls this, from any of its threads."""
        if severity in self._worst:
            with self._lock:
                for errors in self._asked:
                    if len(errors) < _MOST_ERRORS:
                        errors.append(" ".join(msg.split()))

    @contextmanager
    def errors(self) -> Iterator[list[str]]:
        """The errors that come while the context lasts, the first one first.

        Which of several that ask at a time they are of, TensorRT does not say: each gets all.
        """
        errors: list[str] = []
        with self._lock:
            self._asked.append(errors)
        try:
            yield errors
        finally:
            with self._lock:  # by identity: others may hold the same
                self._asked = [asked for asked in self._asked if asked is not errors]


LOG = Log()
"""The only one of the process: TensorRT sends everything to the first it is given."""


def created(kind: type, errors: list[str]) -> Any:
    """A ``tensorrt.Builder`` or ``tensorrt.Runtime``.

    Raises:
        NetworkError: TensorRT cannot start, e.g. for want of a GPU, a driver or memory.
    """
    try:
        return kind(LOG)
    except TypeError as error:  # so the bindings say that they got none
        raise NetworkError(f"TensorRT cannot start: {why(errors)}") from error


def why(errors: list[str]) -> str:
    """The first of ``errors``, which the others follow from; where one is about memory, in words of our own."""
    text = errors[0] if errors else "it does not say why"
    return f"the GPU is out of memory ({text})" if out_of_memory(errors) else text


def out_of_memory(errors: list[str]) -> bool:
    """Whether one of ``errors`` is about memory."""
    return any(sign in error.lower() for error in errors for sign in _OUT_OF_MEMORY)


class ProgressBar(_MONITOR):
    """A progress bar of each phase that TensorRT is in.

    Attributes:
        stop: set it to have the build ended at its next step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stop = False
        self._bars: dict[str, tqdm] = {}
        self._lock = threading.Lock()

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        """A phase begins; TensorRT calls this, from any of its threads."""
        with self._lock:
            self._bars[phase_name] = tqdm(desc=phase_name, total=num_steps, leave=parent_phase is None, disable=None)

    def step_complete(self, phase_name: str, step: int) -> bool:
        """A step of it is done; whether to go on, which it is not when the process is about to end."""
        with self._lock:
            if bar := self._bars.get(phase_name):
                bar.update(step + 1 - bar.n)
        return not self.stop and threading.main_thread().is_alive()

    def phase_finish(self, phase_name: str) -> None:
        """It ends, perhaps before its last step."""
        with self._lock:
            if bar := self._bars.pop(phase_name, None):
                bar.close()

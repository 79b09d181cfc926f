"""Objects that live in a process of their own, to be measured there."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.managers import BaseManager
from typing import TypeVar

Manager = TypeVar("Manager", bound=BaseManager)

ENDED = (EOFError, ConnectionError)
"""What a call raises when the process at the other end is no more: a library brought it down, or the system did."""


@contextmanager
def own_process(kind: type[Manager]) -> Iterator[Manager]:
    """Context of a fresh process, with this one's environment, that makes the objects ``kind`` is registered with.

    Ctrl-C is left to this process: the other goes on until the context ends.
    """
    manager = kind(ctx=get_context("spawn"))
    # Inherited by the new process, which would otherwise be interrupted amid its imports.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        manager.start(_end_without_ado)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with manager:
        yield manager


def _end_without_ado() -> None:
    """Let the process end right after what was registered to be done at its end.

    Threads of the libraries may yet be at work, and one that is ended amid C++ would end the process with a complaint.
    """
    atexit.register(os._exit, 0)  # the first registered is the last called

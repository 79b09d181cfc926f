"""A GPU that records what it is told: memory, a stream that works only while somebody waits for it, faults at will."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Gpu:
    """The state of the device.

    Attributes:
        memory: bytes that can be had at once.
        lost: name of the error that every call answers with, as after a fault; empty while it works.
        captures: whether a stream can be captured.
        record: what was done, in order: ``"malloc"``, ``"enqueue"``, ``"launch"``, ``"wait"``, ...
        devices: how many GPUs there are.
        without_driver: whether there is no driver.
        too_old: whether TensorRT finds the driver too old.
    """

    memory: int = 8 << 30
    lost: str = ""
    captures: bool = True
    devices: int = 1
    without_driver: bool = False
    too_old: bool = False
    name: bytes = b"Orin"
    multiprocessors: int = 16
    driver: int = 12060
    runtime: int = 12060
    record: list[str] = field(default_factory=list)
    device: dict[int, bytearray] = field(default_factory=dict)
    pinned: dict[int, Any] = field(default_factory=dict)
    streams: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    graphs: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    executables: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    capturing: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    spoilt: set[int] = field(default_factory=set)
    threads: set[int] = field(default_factory=set)
    _next: int = 0x7F00_0000_0000

    def new_handle(self) -> int:
        self._next += 1 << 30
        return self._next

    def leftovers(self) -> list[str]:
        """What was taken and not given back."""
        kinds = ("device", "pinned", "streams", "graphs", "executables", "capturing")
        return [f"{len(getattr(self, kind))} of {kind}" for kind in kinds if getattr(self, kind)]

    def take(self, size: int) -> int | None:
        if size + sum(map(len, self.device.values())) > self.memory:
            return None
        address = self.new_handle()
        self.device[address] = bytearray(size)
        self.record.append("malloc")
        return address

    def take_pinned(self, size: int) -> int:
        buffer = (ctypes.c_byte * size)()
        address = ctypes.addressof(buffer)
        self.pinned[address] = buffer
        self.record.append("pin")
        return address

    def free(self, kind: str, handle: int) -> None:
        """Give something back; nothing that is not held, nor memory that a stream still works on."""
        assert handle in getattr(self, kind), f"{kind}: {handle:#x} is freed, which is not held"
        assert not any(self.streams.values()), f"{kind} is freed while the stream works"
        del getattr(self, kind)[handle]
        self.record.append(f"free {kind}")

    def read(self, address: int, size: int) -> bytes:
        memory = self.device.get(address) or self.pinned.get(address)
        assert memory is not None and len(memory) >= size, f"{address:#x} is read after it was freed"
        return bytes(memory)[:size]

    def write(self, address: int, data: bytes) -> None:
        if address in self.device:
            self.device[address][: len(data)] = data
        else:
            assert address in self.pinned, f"{address:#x} is written after it was freed"
            ctypes.memmove(address, data, len(data))

    def put(self, stream: int, kind: str, work: Callable[[], None]) -> bool:
        """Put work into a stream, or into what is captured of it; whether that could be done."""
        assert stream in self.streams, "a stream is used after it was destroyed"
        if stream in self.capturing:
            if not self.captures and kind == "enqueue":
                self.spoilt.add(stream)
                return False
            self.capturing[stream].append(work)
        else:
            self.record.append(kind)
            self.streams[stream].append(work)
        return True

    def wait(self, stream: int) -> None:
        assert stream not in self.capturing, "a stream is waited for while it is captured"
        work, self.streams[stream] = self.streams[stream], []
        for each in work:
            each()
        self.record.append("wait")
        self.threads.add(threading.get_ident())

"""The machine that something is measured on, and the versions of what it is measured with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path

ROOT = Path("/")
_ARITHMETIC = {
    "AVX2": {"avx2"},
    "AVX-512": {"avx512f"},
    "VNNI": {"avx_vnni", "avx512_vnni"},
    "AMX": {"amx_tile"},
    "SVE": {"sve"},
    "dot products of bytes": {"asimddp"},
    "float16": {"avx512_fp16", "asimdhp"},
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16"},
}
"""What a network's speed hangs on, and the flags of Linux that tell of it; the processor's name alone does not."""


def machine(root: Path = ROOT) -> str:
    """The machine in a line: board, processor with its arithmetic, cores this process may use, memory, system."""
    arithmetic = ", ".join(_arithmetic(root))
    told = processor(root) + (f" ({arithmetic})" if arithmetic else "")
    parts = [_board(root), told, f"{cores()} cores", _memory(root)]
    return ", ".join([*filter(None, parts), f"{platform.system()} {platform.release()}"])


def processor(root: Path = ROOT) -> str:
    """The processor's name, as far as the system tells it; on ARM Linux that is its kind."""
    names = (line.split(":", 1)[1].strip() for line in _lines(root / "proc/cpuinfo") if line.startswith("model name"))
    return next(names, platform.machine())


def cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def load_average() -> float | None:
    """Processes at work or waiting for a core, average of the last minute; None where the system does not say."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def installed(names: Iterable[str]) -> dict[str, str]:
    """Version of each Python package of ``names`` that is there."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _board(root: Path) -> str:
    """What a board such as a Jetson calls itself; a PC has no such file."""
    lines = _lines(root / "proc/device-tree/model")
    return lines[0].strip("\0 ") if lines else ""


def _arithmetic(root: Path) -> list[str]:
    lines = (line for line in _lines(root / "proc/cpuinfo") if line.startswith(("flags", "Features")))  # x86, ARM
    flags = set(next(lines, "").split())
    return [name for name, any_of in _ARITHMETIC.items() if flags & any_of]


def _memory(root: Path) -> str:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemTotal:"):
            return f"{int(line.split()[1]) / 2**20:.0f} GiB memory"
    return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []

"""The GPUs of this machine, and what a process holds of their memory, by nvidia-smi or a Jetson's kernel."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from mtl_perception.deployment.system_facts import said, written
from mtl_perception.machine import ROOT

_ASKED = {
    "name": "name",
    "driver": "driver_version",
    "clock_mhz": "clocks.sm",
    "clock_limit_mhz": "clocks.max.sm",
    "power_limit_w": "power.limit",
    "memory_mib": "memory.total",
}
"""Our name of each fact, and nvidia-smi's."""
_L4T = "etc/nv_tegra_release"


def gpus(root: Path = ROOT) -> list[dict[str, Any]]:
    """The NVIDIA GPUs there are, none where nothing tells of one.

    Returns:
        For each its facts in words: ``name``, ``driver``, ``clock_mhz`` (now), ``clock_limit_mhz``, ``power_limit_w``,
        ``memory_mib``; one that is not known is None. On a Jetson also ``l4t``, the release of its system.
    """
    found = [
        {fact: _known(value) for fact, value in zip(_ASKED, row, strict=False)}
        for row in _asked("gpu", ",".join(_ASKED.values()))
    ]
    release = written(root / _L4T)
    if release is None:
        return found
    integrated = found[0] if found else dict.fromkeys(_ASKED)
    clocks = {"clock_mhz": _clock(root, "cur_freq"), "clock_limit_mhz": _clock(root, "max_freq")}
    # The integrated GPU's driver answers nvidia-smi, where it does at all, without clocks.
    integrated.update({fact: value for fact, value in clocks.items() if integrated[fact] is None})
    integrated["name"] = integrated["name"] or written(root / "proc/device-tree/model")
    return [{**integrated, "l4t": release.splitlines()[0].lstrip("# ")}, *found[1:]]


def memory_of(pid: int) -> float | None:
    """MiB of device memory that process ``pid`` holds; None where it holds none or nothing tells (as on a Jetson)."""
    held = [_number(row[1]) for row in _asked("compute-apps", "pid,used_gpu_memory") if row[0] == str(pid)]
    known = [value for value in held if value is not None]
    return sum(known) if known else None


def _asked(what: str, facts: str) -> list[list[str]]:
    """Rows of what nvidia-smi knows."""
    text = said("nvidia-smi", f"--query-{what}={facts}", "--format=csv,noheader,nounits")
    rows = csv.reader((text or "").splitlines(), skipinitialspace=True)
    return [row for row in rows if len(row) == facts.count(",") + 1]


def _known(value: str) -> str | None:
    return None if value.strip("[] ") in ("", "N/A", "Not Supported", "Unknown Error") else value.strip()


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _clock(root: Path, name: str) -> str | None:
    """A clock of the integrated GPU, MHz."""
    for device in sorted((root / "sys/class/devfreq").glob("*")):
        # 17000000.ga10b and 17000000.gpu on Orin; others there are memory and encoders.
        if device.name.endswith((".ga10b", ".gpu", ".gv11b")) or "gpu-gpc" in device.name:
            hertz = _number(written(device / name) or "")
            return None if hertz is None else f"{hertz / 1e6:.0f}"
    return None

"""In which power mode the machine is, by whatever tells it: the kernel, and on a Jetson its own programs."""

from __future__ import annotations

from pathlib import Path

from mtl_perception.deployment.system_facts import said, written
from mtl_perception.machine import ROOT

_CPU = "sys/devices/system/cpu"


def power_mode(root: Path = ROOT) -> dict[str, str | None]:
    """What decides how fast the machine may run.

    Returns:
        By name, None where nothing tells: ``cpu_governor`` (each kind once), ``cpu_clock_limit_mhz`` (likewise),
        ``platform_profile`` (of a PC's firmware), ``nvpmodel`` (a Jetson's mode, name and number) and
        ``jetson_clocks`` (clocks of GPU and memory; the program wants root).
    """
    return {
        "cpu_governor": _kinds(root, "scaling_governor"),
        "cpu_clock_limit_mhz": _clock_limit(root),
        "platform_profile": written(root / "sys/firmware/acpi/platform_profile"),
        "nvpmodel": _nvpmodel(),
        "jetson_clocks": _jetson_clocks(),
    }


def _kinds(root: Path, name: str) -> str | None:
    found = {written(path) for path in (root / _CPU).glob(f"cpu[0-9]*/cpufreq/{name}")}
    return ", ".join(sorted(kind for kind in found if kind)) or None


def _clock_limit(root: Path) -> str | None:
    kilohertz = _kinds(root, "scaling_max_freq")
    if kilohertz is None:
        return None
    try:
        limits = sorted({int(each) // 1000 for each in kilohertz.split(", ")})
    except ValueError:  # <unknown>, of some drivers
        return None
    return ", ".join(map(str, limits))


def _nvpmodel() -> str | None:
    """Name and number of the mode, as ``nvpmodel -q`` prints them in lines of their own."""
    lines = (said("nvpmodel", "-q") or "").splitlines()
    for i, line in enumerate(lines):
        if line.startswith("NV Power Mode:"):
            number = lines[i + 1].strip() if i + 1 < len(lines) else ""
            return f"{line.partition(':')[2].strip()} ({number})" if number else line.partition(":")[2].strip()
    return None


def _jetson_clocks() -> str | None:
    lines = (said("jetson_clocks", "--show") or "").splitlines()
    return "; ".join(" ".join(line.split()) for line in lines if line.startswith(("GPU", "EMC"))) or None

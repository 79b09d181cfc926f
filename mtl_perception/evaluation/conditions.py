"""When, where and with what a measurement was made."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import mtl_perception

_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "rosbags")


def conditions(command: str) -> dict[str, Any]:
    """``command``, time (UTC), machine in a line, and versions, as ``made`` of the metrics."""
    return {
        "command": command,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory()}{platform.system()} {platform.release()}",
        "versions": {
            "mtl_perception": mtl_perception.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            **_installed(),
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB memory, "
    except (ValueError, OSError):  # a system that does not say
        return ""


def _installed() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # one of those for either kind of device, or from apt
            continue
    return found

"""When, where and with what a measurement was made."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from typing import Any

import cv2
import numpy as np

import mtl_perception
from mtl_perception.machine import installed, machine

_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "rosbags")


def conditions(command: str) -> dict[str, Any]:
    """``command``, time (UTC), machine in a line, and versions, as ``made`` of the metrics."""
    return {
        "command": command,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": machine(),
        "versions": {
            "mtl_perception": mtl_perception.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
            **installed(_PACKAGES),
        },
    }

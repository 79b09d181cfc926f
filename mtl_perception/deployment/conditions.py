"""Under which conditions a network's speed was measured."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import cv2

import mtl_perception
from mtl_perception.deployment.gpu import gpus
from mtl_perception.deployment.power_mode import power_mode
from mtl_perception.machine import cores, installed, load_average, machine

NOT_KNOWN = "not known"
_PACKAGES = (
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "tensorrt",
    "tensorrt-cu12",
    "tensorrt-cu13",
    "cuda-python",
    "cuda-bindings",
    "rclpy",
    "ros-jazzy-rclpy",
)
"""Each under every name that it is installed by: pip's, apt's, and a Jetson's."""


def conditions(command: str) -> dict[str, Any]:
    """What a time depends on, as of now; what the machine does not tell is None.

    Returns:
        ``command``, ``time`` (UTC), ``machine`` in a line, ``cores``, ``load_average`` of the last minute,
        ``power_mode`` (see ``power_mode``), ``gpus`` (see ``gpus``), and ``versions`` by package.
    """
    return {
        "command": command,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": machine(),
        "cores": cores(),
        "load_average": load_average(),
        "power_mode": power_mode(),
        "gpus": gpus(),
        "versions": {
            "mtl_perception": mtl_perception.__version__,
            "python": platform.python_version(),
            "opencv": cv2.__version__,
            **installed(_PACKAGES),
        },
    }


def as_text(made: Mapping[str, Any]) -> str:
    """``conditions`` in lines for people."""
    mode = [f"{name.replace('_', ' ')} {_or_not_known(value)}" for name, value in made["power_mode"].items()]
    found = [
        ", ".join(f"{name.replace('_', ' ')} {_or_not_known(value)}" for name, value in gpu.items())
        for gpu in made["gpus"]
    ]
    lines = {
        "machine": made["machine"],
        "load": f"{_or_not_known(made['load_average'])} (average of the last minute, {made['cores']} cores)",
        "power": ", ".join(mode),
        "gpu": "; ".join(found) or "none that nvidia-smi or a Jetson's system tells of",
        "versions": ", ".join(f"{name} {version}" for name, version in made["versions"].items()),
    }
    return "\n".join(f"{name:<9}{line}" for name, line in lines.items())


def _or_not_known(value: object) -> object:
    return NOT_KNOWN if value is None else value

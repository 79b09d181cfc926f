"""Where the files that come with the package are: shipped networks, the Fast DDS profile, the demo bag."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DEFAULT_MODEL = "house_rooms_lite0"


def share_directory() -> Path:
    """The package's share folder: of the checkout, of the ROS workspace, or of the Python environment.

    Raises:
        FileNotFoundError: the package is installed in none of these ways.
    """
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "package.xml").exists():
        return checkout
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    for prefix in filter(None, prefixes):
        share = Path(prefix) / "share" / "mtl_perception"
        if (share / "package.xml").exists():
            return share
    raise FileNotFoundError(
        "the share folder of mtl_perception is nowhere in AMENT_PREFIX_PATH nor in this Python environment"
    )


def model_path(model: str) -> Path:
    """The network file that ``model`` means: a path, the bare name of a shipped one, or, empty, the default one."""
    name = model or DEFAULT_MODEL
    if name.endswith(".onnx") or os.sep in name:
        return Path(name).expanduser()
    return share_directory() / "models" / f"{name}.onnx"


def use_shared_memory_profile() -> None:
    """Have Fast DDS carry images in shared memory, for this process and those it starts, unless a profile is set.

    Its default segment is smaller than a few images, and best-effort frames are lost for want of room.
    """
    profile = str(share_directory() / "config" / "fastdds_shm.xml")
    for variable in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        os.environ.setdefault(variable, profile)

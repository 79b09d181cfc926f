"""Where the files that come with the package are: shipped networks, the Fast DDS profile, the demo bag."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_MODEL = "house_rooms_lite0"
PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
"""Environment variables of which either makes Fast DDS read a profile."""


def share_directory() -> Path:
    """The package's share folder: of the checkout, or of the prefix it was installed into by colcon or pip.

    Raises:
        FileNotFoundError: the package was copied here without its share folder.
    """
    here = Path(__file__).resolve()
    checkout = here.parent.parent
    # An installed package lies in PREFIX/lib/pythonX/site-packages, its files in PREFIX/share: of a ROS
    # workspace, a virtual environment, /usr/local or ~/.local alike.
    for folder in (checkout, *(prefix / "share" / "mtl_perception" for prefix in here.parents)):
        if (folder / "package.xml").exists():
            return folder
    raise FileNotFoundError(f"share/mtl_perception is in none of the folders above {here}: install the package again")


def model_path(model: str) -> Path:
    """The network file that ``model`` means: a path, the bare name of a shipped one, or, empty, the default one."""
    name = model or DEFAULT_MODEL
    if name.endswith(".onnx") or os.sep in name:
        return Path(os.path.expanduser(name))
    return share_directory() / "models" / f"{name}.onnx"


def shipped_models() -> list[str]:
    """The bare names of the networks that come with the package."""
    try:
        models = share_directory() / "models"
    except FileNotFoundError:
        return []
    return sorted(path.stem for path in models.glob("*.onnx") if not path.stem.endswith(".previous"))


def use_shared_memory_profile() -> None:
    """Have Fast DDS carry images in shared memory, for this process and those it starts, unless a profile is set.

    Its default segment is smaller than a few images, and best-effort frames are lost for want of room.
    """
    # Where both are set one wins over the other: setting the second would undo the user's first.
    if not any(variable in os.environ for variable in PROFILE_VARIABLES):
        profile = str(share_directory() / "config" / "fastdds_shm.xml")
        os.environ.update(dict.fromkeys(PROFILE_VARIABLES, profile))

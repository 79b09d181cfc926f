"""``python -m training degrade``: a copy of a data set whose depth, or poses, a worse sensor measured."""

from __future__ import annotations

import argparse

from mtl_perception.argument_types import user_path
from mtl_perception.dataset_folder import DatasetFolder
from training.degrade.copying import changed_by, degrade
from training.degrade.localisation import LOCALISATION
from training.degrade.sensors import SENSORS


def main(argv: list[str]) -> None:
    """Copy; ``argv`` follows the word ``degrade``."""
    parser = argparse.ArgumentParser(
        prog="python -m training degrade",
        description="Copy a data set folder, its depth as a worse sensor would have measured it, or its poses as a "
        "worse localisation would have found them: to see what labels of yours are worth. The noise of a frame depends "
        "on the seed and its name alone. Interrupted, the same command goes on.",
        epilog="  python -m training degrade DATA/house DATA/house_kinect --sensor kinect --level 1\n"
        "  python -m training degrade DATA/house DATA/house_half --sensor holes --level 0.5\n"
        "  python -m training degrade DATA/house DATA/house_lost --sensor localisation --level 2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=user_path, help="data set folder with depth, or with poses")
    parser.add_argument("out", type=user_path, help="folder to write")
    parser.add_argument(
        "--sensor",
        required=True,
        choices=[*SENSORS, LOCALISATION],
        help="kinect: structured light; disparity: stereo; holes: patches without depth; localisation: poses that err",
    )
    parser.add_argument(
        "--level",
        type=float,
        required=True,
        help="kinect: 1 is the sensor as measured, 2 twice its noise; disparity: pixels at a width of 640; holes: the "
        "share that is lost; localisation: standard deviation along each axis in centimetres, and about each in half "
        "degrees (2: 2 cm and 1 degree)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    options = parser.parse_args(argv)
    folder = DatasetFolder(options.folder)
    degrade(folder, options.out, options.sensor, options.level, options.seed)
    what = f"{changed_by(options.sensor)} of {options.sensor}, level {options.level:g}, seed {options.seed}"
    print(f"{options.out}: {folder.name} with {what}")

"""Every parameter of the depth logger."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from mtl_perception.depth_logger.key_frames import KeyFrameRules
from mtl_perception.nodes.parameter_server import Parameters, parameter

_LONG = 86400.0


@dataclass(frozen=True)
class DepthLoggerParameters(Parameters):
    """Every parameter of the depth logger, with its default; all are fixed, so that the index tells what held."""

    autostart: bool = parameter(
        True, "Configure and activate at start; false leaves it to a lifecycle manager.", fixed=True
    )
    folder: str = parameter("", "Data set folder to log to, made if need be. There is no default.", fixed=True)
    robot: str = parameter("", "Name of the robot, part of the frames' names; empty takes the host's.", fixed=True)
    licence: str = parameter(
        "", "Terms of the frames, told in dataset.json; empty says nothing (unknown, in a new folder).", fixed=True
    )
    image_transport: str = parameter(
        "raw",
        "Type of the topic `image`: raw (Image) or compressed (CompressedImage).",
        choices=("raw", "compressed"),
        fixed=True,
    )
    depth_transport: str = parameter(
        "raw",
        "Type of the topic `depth`: raw (Image) or compressedDepth (CompressedImage).",
        choices=("raw", "compressedDepth"),
        fixed=True,
    )
    depth_in_image: str = parameter(
        "",
        "Pose of the depth camera in the colour camera's optical frame, 'x y z qx qy qz qw'; empty asks /tf_static.",
        fixed=True,
    )
    camera_in_base: str = parameter(
        "",
        "Pose of the colour camera in the odometry's child frame, 'x y z qx qy qz qw'; empty asks /tf_static.",
        fixed=True,
    )
    sync_tolerance: float = parameter(
        0.02,
        "Largest difference of the stamps of colour and depth of one frame, seconds.",
        bounds=(0.0, 1.0),
        fixed=True,
    )
    sync_patience: float = parameter(
        0.5, "Seconds that colour waits for its depth, or depth for its colour.", bounds=(0.05, 10.0), fixed=True
    )
    input_timeout: float = parameter(
        5.0, "Seconds without a message before the node says who publishes what.", bounds=(0.5, 3600.0), fixed=True
    )
    min_interval: float = parameter(0.5, "Least seconds between two kept frames.", bounds=(0.0, _LONG), fixed=True)
    min_sharpness: float = parameter(
        20.0, "Least variance of the Laplacian of a kept frame; 0 keeps blurred ones.", bounds=(0.0, 1e6), fixed=True
    )
    max_clipped: float = parameter(
        0.5,
        "Largest share of pixels almost black or almost white; 1 keeps any exposure.",
        bounds=(0.0, 1.0),
        fixed=True,
    )
    min_valid_depth: float = parameter(
        0.2, "Least share of pixels with depth; 0 keeps frames without.", bounds=(0.0, 1.0), fixed=True
    )
    keep_every: float = parameter(
        0.0, "Seconds after which a frame is kept even of the same view; 0 is never.", bounds=(0.0, _LONG), fixed=True
    )
    min_view_change: float = parameter(
        0.2,
        "Difference from the view kept last for which a frame is kept, 0..1; 0 takes the rule away.",
        bounds=(0.0, 1.0),
        fixed=True,
    )
    min_translation: float = parameter(
        0.0, "Metres the robot moved for which a frame is kept; 0 takes the rule away.", bounds=(0.0, 1e6), fixed=True
    )
    min_rotation: float = parameter(
        0.0,
        "Degrees the robot turned for which a frame is kept; 0 takes the rule away.",
        bounds=(0.0, 180.0),
        fixed=True,
    )
    min_disagreement: float = parameter(
        0.0,
        "Mean relative error of the perception node's depth for which a frame is kept; 0 takes the rule away.",
        bounds=(0.0, 100.0),
        fixed=True,
    )
    max_confidence: float = parameter(
        0.0,
        "Mean confidence of the perception node's classes up to which a frame is kept; 0 takes the rule away.",
        bounds=(0.0, 1.0),
        fixed=True,
    )
    look_back: float = parameter(
        0.0,
        "Seconds before ~/log_now that it logs too; 0 logs the current frame only.",
        bounds=(0.0, 600.0),
        fixed=True,
    )
    look_back_rate: float = parameter(5.0, "Frames a second of the look-back.", bounds=(0.1, 100.0), fixed=True)
    rgb_format: str = parameter(
        "jpeg", "Of colour that comes raw; compressed colour is stored as it came.", choices=("jpeg", "png"), fixed=True
    )
    jpeg_quality: int = parameter(95, "Of rgb_format jpeg.", bounds=(1, 100), fixed=True)
    quota: float = parameter(0.0, "GB that the folder may hold; 0 is no limit.", bounds=(0.0, 1e6), fixed=True)
    min_free: float = parameter(1.0, "GB that must stay free on the disk.", bounds=(0.0, 1e6), fixed=True)
    when_full: str = parameter(
        "stop",
        "With the quota reached: stop, or drop_least_useful frames for more useful ones.",
        choices=("stop", "drop_least_useful"),
        fixed=True,
    )
    queue_size: int = parameter(
        30, "Pairs that may wait to be looked at, and frames to be written.", bounds=(1, 1000), fixed=True
    )

    @property
    def rules(self) -> KeyFrameRules:
        """Which frames are kept."""
        return KeyFrameRules(**{f.name: getattr(self, f.name) for f in fields(KeyFrameRules)})

    def remarks(self) -> list[str]:
        """What is allowed and hardly meant."""
        found = []
        rules = (
            "keep_every",
            "min_view_change",
            "min_translation",
            "min_rotation",
            "min_disagreement",
            "max_confidence",
        )
        if not any(getattr(self, name) for name in rules):
            found.append(f"of {', '.join(rules)} all are 0: a run keeps its first frame, and what ~/log_now asks for")
        if self.when_full == "drop_least_useful" and not self.quota:
            found.append("when_full drop_least_useful is of no effect without a quota")
        return found

    @property
    def told(self) -> dict[str, Any]:
        """The parameters that the index tells of: what decided which pairs were made and which of them kept."""
        names = ("sync_tolerance", "sync_patience", "look_back", "look_back_rate", "when_full")
        return {**vars(self.rules), **{name: getattr(self, name) for name in names}}

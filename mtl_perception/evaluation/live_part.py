"""The part ``live`` of the metrics, whoever measures it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mtl_perception.evaluation.measurement import INTERRUPTED
from mtl_perception.evaluation.topics import Topics
from mtl_perception.recordings.errors import BagError

LiveSource = Callable[[Path, Path, str, str | None], Mapping[str, Any] | None]
"""``live.measure_live``, or what takes the same: bag, network file, image topic and CameraInfo topic; gives None of a
network it knows nothing of."""


def add_live(
    metrics: dict[str, Any], bag: Path, models: Mapping[str, Path], topics: Topics, live: LiveSource
) -> str | None:
    """Add what ``live`` measures of each model to ``metrics``; Ctrl-C, before or now, ends it and is marked there.

    Args:
        metrics: as ``Measurement.metrics`` gives them; changed.
        bag: the recording.
        models: network files, by the models' names.
        topics: of the recording.
        live: measures one model.

    Returns:
        Why a model could not be measured, one line; None where nothing went wrong.
    """
    for model in metrics["models"]:
        if metrics["stopped_by"] == INTERRUPTED:
            break
        try:
            figures = live(bag, models[model["name"]], topics.image, topics.camera_info)
        except KeyboardInterrupt:
            metrics.update(complete=False, stopped_by=INTERRUPTED)
            break
        except (BagError, RuntimeError) as error:  # ROS raises RuntimeError, and so does the replay
            return " ".join(str(error).split())
        if figures:
            model["live"] = dict(figures)
    return None

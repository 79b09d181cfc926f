"""Pictures like the paper's Figures 5 and 6: the truth, and what each row makes of the same frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from mtl_perception.atomic_write import write_atomically
from mtl_perception.visualize import Palette, captioned, depth_in_color, viewing_range
from training.checkpoint import TrainedNetwork
from training.datasets.label_choice import ALL_LABELS
from training.datasets.source import Source
from training.frame_prediction import NamedFrames, collate_named, predict_maps
from training.palette import semantic_classes

FRAMES = 3


@torch.inference_mode()
def draw_pictures(networks: Mapping[str, TrainedNetwork], source: Source, path: Path) -> None:
    """For some frames two lines, depth and classes: the truth first, then each network under its title.

    What a frame has no label of is grey, and its depth in the colours of usual distances. Below are the names of all
    classes shown.

    Args:
        networks: by title.
        source: frames; a few, evenly spread, are shown.
        path: PNG to write.
    """
    chosen = np.unique(np.linspace(0, len(source.names) - 1, FRAMES + 2)[1:-1].round().astype(int))
    shown = Source(source.folder, [source.names[i] for i in chosen])
    palette = Palette(semantic_classes(next(iter(networks.values())).classes))
    lines, seen = [], set()
    for name in shown.names:
        rgb = source.folder.read_rgb(name)
        semantic = source.folder.read_semantic(name) if source.folder.has("semantic", name) else None
        depth = source.folder.read_depth(name) if source.folder.has("depth", name) else None
        blank = np.full_like(rgb, 235)
        limits = viewing_range([np.zeros((1, 1)) if depth is None else depth])
        upper = [captioned(rgb, name), captioned(blank if depth is None else depth_in_color(depth, *limits), "depth")]
        lower = [
            captioned(blank, ""),
            captioned(blank if semantic is None else palette.colors(semantic), "classes"),
        ]
        seen |= set() if semantic is None else set(np.unique(semantic).tolist())
        for title, trained in networks.items():
            frames = NamedFrames(trained, Source(source.folder, [name]), ALL_LABELS)
            maps = predict_maps(trained, collate_named([frames[0]])[1], rgb.shape[:2])
            guess = blank
            if maps.depth is not None:
                guess = depth_in_color(maps.depth[0].numpy() / frames.depth_factor(), *limits)
            upper.append(captioned(guess, title))
            guess = blank
            if maps.semantic is not None:
                guess = palette.colors(maps.semantic[0].numpy())
                seen |= set(np.unique(maps.semantic[0].numpy()).tolist())
            lower.append(captioned(guess, title))
        lines += [np.hstack(upper), np.hstack(lower)]
    sheet = np.vstack([*lines, palette.legend(sorted(seen), lines[0].shape[1])])
    write_atomically(path, cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1].tobytes())

"""Samples of a data set folder (``mtl_perception.dataset_folder``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import cv2
import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import Dataset

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from training.datasets.augmentation import RandomColour, View, random_view
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.derived.edges import EDGE_CERTAIN, UNKNOWN_EDGE
from training.datasets.derived.sources import NORMALS
from training.datasets.frames import Frame, FramesOnDisk, read_frames
from training.datasets.label_choice import ALL_LABELS, LabelChoice
from training.datasets.placement import Placement
from training.datasets.sample import IGNORE, UNKNOWN_EDGE_PROBABILITY, Sample


class FolderDataset(Dataset[Sample]):
    """Frames of one folder as samples of the canonical camera.

    Args:
        folder: the data set.
        names: its frames to use.
        camera: size and focal length every sample is brought to.
        augment: random flip, zoom and colour, drawn from torch's global generator.
        choice: which labels may be seen.
        strong: augment more, see ``RandomColour``.
        in_memory: decode every frame once and keep it; False decodes at each use.

    Raises:
        DatasetError: frames have depth, but ``dataset.json`` gives no intrinsics: such depth cannot
            be brought to the canonical focal length; or it is unknown everywhere; or a file is damaged.
    """

    def __init__(
        self,
        folder: DatasetFolder,
        names: Sequence[str],
        camera: CanonicalCamera,
        augment: bool,
        choice: LabelChoice = ALL_LABELS,
        strong: bool = False,
        in_memory: bool = True,
    ) -> None:
        self.folder = folder
        self.names = list(names)
        self.camera = camera
        self.colour = RandomColour(strong) if augment else None
        pseudo = choice.pseudo
        metric = ("depth", *({NORMALS} & {*choice.derived}))
        if folder.info.intrinsics is None and any(
            choice.has(folder, kind, name) or (pseudo is not None and pseudo.has(kind, name))
            for name in self.names
            for kind in metric
        ):
            raise DatasetError(
                f"{folder.root} has depth but no intrinsics: its depth cannot be made metric; "
                "add intrinsics to dataset.json, or take the depth folder away"
            )
        read = read_frames if in_memory else FramesOnDisk
        self.frames: Sequence[Frame] = read(folder, self.names, choice)
        depths = [f.depth for f in self.frames if f.depth is not None] if in_memory else []
        if depths and not any(depth.any() for depth in depths):
            raise DatasetError(f"{folder.root}: depth is 0, which is unknown, all over the {len(depths)} frames of it")

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        """The sample of frame ``index``; a new random view at each call when augmenting."""
        frame = self.frames[index]
        height, width = frame.rgb.shape[:2]
        view = random_view(width, height) if self.colour else View(0, 0, width, height)
        sample = self._view(frame, view)
        if self.colour:
            sample["image"] = self.colour(sample["image"])
        return sample

    def _view(self, frame: Frame, view: View) -> Sample:
        """A part of a frame at the working size; where that has another shape, unknown in the bands beside it."""
        placed = self.camera.place(view.height, view.width)

        def take(array: np.ndarray, unknown: float = 0) -> np.ndarray:
            part = array[view.top : view.top + view.height, view.left : view.left + view.width]
            # Nearest: between a near and a far surface there is no mean depth. Exact, as the plain one lies
            # up to half a pixel off the image.
            resized = cv2.resize(part, (placed.width, placed.height), interpolation=cv2.INTER_NEAREST_EXACT)
            padded = placed.pad(resized, unknown)
            return np.ascontiguousarray(padded[:, ::-1] if view.mirrored else padded)

        sample: Sample = {"image": self._picture_view(frame.rgb, view, placed)}
        if frame.depth is not None and self.folder.info.intrinsics is not None:
            factor = self.camera.depth_factor(self.folder.info.intrinsics.fx, view.height, view.width)
            sample["depth"] = torch.from_numpy(take(frame.depth)) * factor
        if frame.semantic is not None:
            semantic = torch.from_numpy(take(frame.semantic)).long()
            sample["semantic"] = torch.where(semantic == 0, IGNORE, semantic)
        if frame.soft_semantic is not None:
            sample["soft_semantic"] = self._soft_view(frame.soft_semantic, view, placed, frame.rgb.shape[:2])
        self._add_derived(sample, frame, view, placed, take)
        return sample

    def _picture_view(self, rgb: np.ndarray, view: View, placed: Placement) -> torch.Tensor:
        """The picture of a view, 0..1: averaged where it shrinks, as in an exported network (``deployed.resize``)."""
        part = torch.from_numpy(rgb[view.top : view.top + view.height, view.left : view.left + view.width])
        size = (placed.height, placed.width)
        picture = placed.pad_rgb(F.interpolate(part.permute(2, 0, 1)[None], size, mode="bilinear", antialias=True)[0])
        return (picture.flip(-1) if view.mirrored else picture).contiguous().float() / 255

    def _add_derived(
        self, sample: Sample, frame: Frame, view: View, placed: Placement, take: Callable[..., np.ndarray]
    ) -> None:
        """The derived labels of the view. Mirroring turns what points sideways round; a zoom draws offsets out."""
        side = -1 if view.mirrored else 1
        if frame.normals is not None and self.folder.info.intrinsics is not None:
            seen = take(frame.normals.astype(np.float32))
            normals = self.camera.normals(seen, self.folder.info.intrinsics, view) * np.float32([side, 1, 1])
            sample["normals"] = torch.from_numpy(normals).permute(2, 0, 1).contiguous()
        if frame.edges is not None:
            sample["edges"] = self._edge_view(frame.edges, view, placed, take(frame.edges, UNKNOWN_EDGE))
        if frame.offsets is not None:
            # Pixels of the frame, in widths of the picture.
            scale = np.float32([side * placed.width / view.width, placed.height / view.height]) / self.camera.width
            offsets = take(frame.offsets.astype(np.float32), np.nan) * scale
            sample["offsets"] = torch.from_numpy(offsets).permute(2, 0, 1).contiguous()

    def _edge_view(self, edges: np.ndarray, view: View, placed: Placement, nearest: np.ndarray) -> torch.Tensor:
        """Edges stay edges: a pixel holds the surest of all edges that it covers, so that lines do not break."""
        part = torch.from_numpy(edges[view.top : view.top + view.height, view.left : view.left + view.width])
        level = torch.where(part == UNKNOWN_EDGE, 0, part).float()[None] / EDGE_CERTAIN
        pooled = F.adaptive_max_pool2d(level, (placed.height, placed.width))[0]
        surest = torch.from_numpy(placed.pad(pooled.numpy(), 0))
        surest = surest.flip(-1) if view.mirrored else surest
        return torch.where(torch.from_numpy(nearest != UNKNOWN_EDGE) | (surest > 0.5), surest, UNKNOWN_EDGE_PROBABILITY)

    def _soft_view(self, soft: np.ndarray, view: View, placed: Placement, size: tuple[int, int]) -> torch.Tensor:
        """The same part of a coarser map of probabilities, at a quarter of the working size; 0 in the bands."""
        height, width = size
        quarter = (self.camera.height // 4, self.camera.width // 4)
        # The picture, bands and all, in pixels of the frame.
        tall, wide = (view.height * self.camera.height / placed.height, view.width * self.camera.width / placed.width)
        part = torch.tensor(
            [
                [(-1 if view.mirrored else 1) * wide / width, 0, (2 * view.left + view.width) / width - 1],
                [0, tall / height, (2 * view.top + view.height) / height - 1],
            ]
        )
        grid = F.affine_grid(part[None], [1, soft.shape[2], *quarter], False)
        whole = torch.from_numpy(soft).permute(2, 0, 1).float()[None]
        seen = F.grid_sample(whole, grid, padding_mode="border", align_corners=False)[0]
        if placed.fills:
            return seen
        known = placed.pad(np.ones((placed.height, placed.width), np.float32), 0)
        known = cv2.resize(known, quarter[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return seen * torch.from_numpy(known[:, ::-1].copy() if view.mirrored else known)

    @cached_property
    def canonical_depth_range(self) -> tuple[float, float] | None:
        """Least and greatest depth of the unaugmented frames in canonical metres, or None without depth."""
        maps = (frame.depth for frame in self.frames if frame.depth is not None)
        known = [(d[d > 0].min(), d.max()) for d in maps if (d > 0).any()]
        if not known or self.folder.info.intrinsics is None:
            return None
        info = self.folder.info
        factor = self.camera.depth_factor(info.intrinsics.fx, info.height, info.width)
        return factor * min(float(least) for least, _ in known), factor * max(float(most) for _, most in known)

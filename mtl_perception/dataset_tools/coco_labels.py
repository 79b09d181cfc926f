"""Labels in COCO's JSON: polygons and run lengths, as CVAT ("COCO 1.0") and Label Studio export them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtl_perception.dataset_folder import DatasetError, DatasetInfo
from mtl_perception.dataset_tools.label_source import check_size
from mtl_perception.dataset_tools.regions import painted, polygon_mask, run_length_mask


def is_coco(document: Any) -> bool:
    """Whether the JSON value ``document`` is of COCO's kind."""
    return isinstance(document, dict) and "images" in document and "annotations" in document


class CocoLabels:
    """The annotations of COCO files.

    A crowd (``iscrowd``), which is how CVAT marks what was painted with a brush, is a region as any other. An
    annotation that has a box only labels nothing.

    Args:
        documents: path and JSON value of each file.

    Raises:
        DatasetError: a file is not what COCO's format says.
    """

    def __init__(self, documents: Sequence[tuple[Path, Any]]) -> None:
        self._images: dict[str, tuple[Path, dict, list[tuple[int, Any]]]] = {}
        self._boxes = 0
        names: dict[str, int] = {}
        self.names_pictures_by_place = False
        """Whether pictures are named by where Label Studio's server keeps them, as from its version 1.16 on."""
        for path, document in documents:
            try:
                self._add(path, document, names)
                self.names_pictures_by_place |= document.get("info", {}).get("contributor") == "Label Studio"
            except (KeyError, TypeError, AttributeError) as error:
                raise DatasetError(f"{path} is not of COCO's format: {_told(error)}") from error
        self.names = tuple(names)
        self.pictures = tuple(self._images)
        self.notes = (f"{self._boxes} boxes without a mask were left out",) if self._boxes else ()

    def read(self, picture: str, info: DatasetInfo) -> np.ndarray:
        """As ``LabelSource`` tells."""
        path, image, annotations = self._images[picture]
        what = f"{path}: picture {picture!r}"
        if image.get("height") and image.get("width"):
            check_size(what, image["height"], image["width"], info)
        regions = []
        for number, (code, segmentation) in enumerate(annotations):
            try:
                regions.append((code, _mask(segmentation, what, info)))
            except (ValueError, KeyError, TypeError) as error:
                if isinstance(error, DatasetError):
                    raise
                raise DatasetError(f"{what}, annotation {number}: {_told(error)}") from error
        return painted(regions, info.height, info.width)

    def _add(self, path: Path, document: dict, names: dict[str, int]) -> None:
        categories = {c["id"]: str(c["name"]) for c in document["categories"]}
        pictures: dict[Any, str] = {}
        for image in document["images"]:
            picture = image["file_name"]
            if not isinstance(picture, str):
                raise TypeError("a file_name is not text")
            if picture in self._images or image["id"] in pictures:
                raise DatasetError(f"{path} names the picture {picture!r} or its id again")
            pictures[image["id"]] = picture
            self._images[picture] = (path, image, [])
        for annotation in document["annotations"]:
            if annotation["image_id"] not in pictures or annotation["category_id"] not in categories:
                raise DatasetError(
                    f"{path}: annotation {annotation.get('id')} is of no picture or category of the file"
                )
            if not annotation.get("segmentation"):
                self._boxes += 1
                continue
            code = names.setdefault(categories[annotation["category_id"]], len(names) + 1)
            self._images[pictures[annotation["image_id"]]][2].append((code, annotation["segmentation"]))


def _mask(segmentation: Any, what: str, info: DatasetInfo) -> np.ndarray:
    """(H, W) bool: run lengths, or the union of polygons."""
    if isinstance(segmentation, dict):
        height, width = segmentation["size"]
        check_size(f"{what}, a region of it,", height, width, info)
        return run_length_mask(segmentation["counts"], height, width)
    if not isinstance(segmentation, list):
        raise TypeError("segmentation is neither polygons nor run lengths")
    return np.logical_or.reduce([polygon_mask(points, info.height, info.width) for points in segmentation])


def _told(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)

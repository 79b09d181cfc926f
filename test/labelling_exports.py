"""Labels of pictures as CVAT and Label Studio export them, made from maps of class names."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask

NAMES = ("background", "wall", "floor", "odd / thing")
COLORS = ((0, 0, 0), (250, 50, 83), (52, 209, 183), (255, 96, 55))
"""RGB; a map's values are indices into ``NAMES``."""

Maps = Mapping[str, np.ndarray]


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def write_zip(path: Path, files: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_folder(path: Path, files: Mapping[str, bytes | str]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def label_map() -> str:
    lines = [f"{name}:{r},{g},{b}::" for name, (r, g, b) in zip(NAMES, COLORS, strict=True)]
    return "\n".join(["# label:color_rgb:parts:actions", *lines]) + "\n"


def cvat_masks(maps: Maps) -> dict[str, bytes | str]:
    """Format "Segmentation mask 1.1"."""
    files: dict[str, bytes | str] = {
        "labelmap.txt": label_map(),
        "ImageSets/Segmentation/default.txt": "".join(f"{name}\n" for name in maps),
    }
    for name, labels in maps.items():
        files[f"SegmentationClass/{name}.png"] = png(np.array(COLORS, np.uint8)[labels][..., ::-1])
        files[f"SegmentationObject/{name}.png"] = png(np.full((*labels.shape, 3), 128, np.uint8))
    return files


def coco(maps: Maps, kind: str, file_name: str = "{}.jpg", **info) -> dict:
    """One annotation a class and picture; ``kind``: "counts" (as CVAT's brush), "text" (as COCO's own) or "box"."""
    images, annotations = [], []
    for i, (name, labels) in enumerate(maps.items(), start=1):
        height, width = labels.shape
        images.append({"id": i, "width": width, "height": height, "file_name": file_name.format(name)})
        for code in sorted(set(np.unique(labels).tolist()) - {0}):
            mask = labels == code
            if kind == "text":
                encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
                segmentation = {"size": encoded["size"], "counts": encoded["counts"].decode()}
            elif kind == "counts":
                segmentation = {"size": [height, width], "counts": counts(mask)}
            else:
                segmentation = []
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": code,
                    "segmentation": segmentation,
                    "area": int(mask.sum()),
                    "bbox": [0, 0, width, height],
                    "iscrowd": int(kind == "counts"),
                }
            )
    categories = [{"id": i, "name": name, "supercategory": ""} for i, name in enumerate(NAMES) if i]
    return {"info": info, "licenses": [], "categories": categories, "images": images, "annotations": annotations}


def counts(mask: np.ndarray) -> list[int]:
    """COCO's run lengths, counted one by one down the columns."""
    runs, current = [0], False
    for value in mask.T.ravel().tolist():
        if value != current:
            runs.append(0)
            current = value
        runs[-1] += 1
    return runs


def brush_pngs(maps: Maps, tag: str = "brush-tag") -> tuple[dict[str, bytes], str, str]:
    """Label Studio's "Brush labels to PNG", and the same project's JSON and JSON-MIN."""
    files, tasks, small = {}, [], []
    for task, (name, labels) in enumerate(maps.items(), start=17):
        results = []
        for code in sorted(set(np.unique(labels).tolist()) - {0}):
            label = NAMES[code].replace("/", "-")
            file = f"task-{task}-annotation-{task + 20}-by-ann@lab.example-{tag}-{label}-0.png"
            files[file] = png(np.where(labels == code, 255, 0).astype(np.uint8))
            results.append({"from_name": tag, "type": "brushlabels", "value": {"brushlabels": [NAMES[code]]}})
        image = f"/data/upload/3/0a1b2c3d-{name}.jpg"
        annotations = [{"id": task + 20, "result": results}]
        tasks.append({"id": task, "data": {"image": image}, "annotations": annotations, "drafts": []})
        small.append({"id": task, "image": image, tag: [{"brushlabels": ["wall"]}], "annotator": 1})
    return files, json.dumps(tasks), json.dumps(small)


def palette_png(indices: np.ndarray, palette: list[int]) -> bytes:
    from PIL import Image

    image = Image.fromarray(indices, mode="L").copy()
    image.putpalette(palette)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()

"""An evaluation as its pipeline leaves it, for tests of what reads it: metrics.json, frames.csv, frames to look at.

The figures are measured on a made scene: a floor, a wall, boxes, and models that are wrong in known ways.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mtl_perception.evaluation.frame_pictures import FramePictures
from mtl_perception.metrics import DepthMetrics, SegmentationMetrics

NAMES = ("wall", "floor", "box", "lamp", "curtain")
COLORS = ((174, 199, 232), (152, 223, 138), (255, 127, 14), (219, 219, 141), (148, 103, 189))
HEIGHT, WIDTH = 96, 128
FIRST_STAMP = 1_700_000_000_000_000_000


def scene(index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colours (H, W, 3) uint8, depth (H, W) float32 m with a hole, and classes (H, W) uint8 of a frame."""
    random = np.random.default_rng(index)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    depth = np.full((HEIGHT, WIDTH), 4.2, np.float32)
    classes = np.where(columns > 110, 5, 1).astype(np.uint8)
    floor = rows > 55
    depth[floor] = np.minimum(4.2, 70 / (rows[floor] - 39)).astype(np.float32)
    classes[floor] = 2
    left = 10 + 3 * index % 60
    depth[40:75, left : left + 30], classes[40:75, left : left + 30] = 1.8, 3
    depth[5:20, 90:96], classes[5:20, 90:96] = 3.0, 4
    rgb = np.asarray(((90, 90, 90), *COLORS), np.uint8)[classes].astype(float)
    rgb = rgb * (1.1 - 0.12 * depth[..., None]) + random.normal(0, 4, (HEIGHT, WIDTH, 1))
    depth[80:, :25] = 0
    classes[:4] = 0
    return rgb.clip(0, 255).astype(np.uint8), depth, classes


def predicted(depth: np.ndarray, classes: np.ndarray, error: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth that is ``error`` too far with noise, classes of which a share is wrong and some are not confident."""
    random = np.random.default_rng(seed)
    filled = np.where(depth > 0, depth, 1.0)
    guess = filled * (1 + error + error * random.normal(0, 1, (HEIGHT, 1)) * filled / 4)
    labels = np.where(classes == 0, 1, classes).astype(np.uint8)
    labels[(labels == 3) & (random.random(labels.shape) < 2 * error)] = 1
    labels[(labels == 4) & (random.random(labels.shape) < 5 * error)] = 3
    labels[:, :2] = 255
    return guess.clip(0.2, 20).astype(np.float32), labels


def card(name: str, names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """The card of a network, as JSON gives it."""
    return {
        "format": 1, "name": name, "architecture": "MTI-Net on efficientnet_lite0",
        "classes": [
            {"id": i, "name": n, "color": list(c)} for i, (n, c) in enumerate(zip(names, COLORS, strict=True), 1)
        ],
        "input_height": 480, "input_width": 640, "focal_length": 525.0, "depth_min": 0.0633, "depth_max": 25.09,
        "training_data": [{"name": "rooms", "frames": 600, "licence": "CC0-1.0"}], "licence": "Apache-2.0",
        "evaluations": [{"data": "rooms", "split": "val", "frames": 100, "values": {"rmse": 0.345}}],
        "commit": "f694551", "date": "2026-11-21",
    }  # fmt: skip


def model(name: str, error: float, frames: int = 6, names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """One model's part of metrics.json, measured on the made scene."""
    depth_all, classes_all = DepthMetrics(), SegmentationMetrics(len(names))
    limits = [(0.0, 1.5), (1.5, 2.5), (2.5, 3.5), (3.5, 5.0)]
    bins = {pair: (DepthMetrics(), []) for pair in limits}
    ratios = []
    for index in range(frames):
        _, depth, classes = scene(index)
        guess, labels = predicted(depth, classes, error, index)
        depth_all.update(guess, depth)
        classes_all.update(labels, classes)
        ratios.append(np.median(guess[depth > 0]) / np.median(depth[depth > 0]))
        for (start, end), (metrics, errors) in bins.items():
            inside = (depth > start) & (depth <= end)
            metrics.update(guess, np.where(inside, depth, 0))
            errors.append((guess - depth)[inside])
    confusion, iou = classes_all.confusion, classes_all.iou()
    square = confusion[:, :-1]
    per_class = []
    for i, class_name in enumerate(names):
        entry = {"id": i + 1, "name": class_name, "pixels": int(confusion[i].sum())}
        hits = int(square[i, i])
        for key, value in (
            ("iou", iou[i]),
            ("precision", hits / square[:, i].sum() if square[:, i].any() else np.nan),
            ("recall", hits / confusion[i].sum() if confusion[i].any() else np.nan),
        ):
            if np.isfinite(value):
                entry[key] = float(value)
        per_class.append(entry)
    by_distance = []
    for (start, end), (metrics, errors) in bins.items():
        values, joined = metrics.compute(), np.concatenate(errors)
        by_distance.append(
            {"from": start, "to": end, "pixels": joined.size, "bias": float(joined.mean()),
             **{k: values[k] for k in ("rmse", "abs_rel", "delta1")}}
        )  # fmt: skip
    milliseconds = 60 + 200 * error
    return {
        "name": name, "file": f"{name}.onnx", "sha256": "ab" * 32, "card": card(name, names),
        "provider": "CPUExecutionProvider",
        "depth": {"frames": frames, "pixels": sum(e["pixels"] for e in by_distance), **depth_all.compute(),
                  "bias": sum(e["bias"] * e["pixels"] for e in by_distance) / sum(e["pixels"] for e in by_distance),
                  "median_ratio": float(np.median(ratios)), "by_distance": by_distance},
        "segmentation": {"frames": frames, **classes_all.compute(), "not_confident": 2 / WIDTH, "classes": per_class,
                         "confusion": confusion.tolist()},
        "stability": {"pairs": frames - 1, "depth_change": 0.02 + error / 10, "class_change": 0.01 + error / 5},
        "speed": {"network_ms": {"median": milliseconds, "p95": 1.2 * milliseconds, "max": 1.9 * milliseconds},
                  "frames_per_second": 950 / milliseconds, "network_alone_frames_per_second": 1000 / milliseconds,
                  "ratio": 0.95},
    }  # fmt: skip


def live() -> dict[str, Any]:
    """What playing live adds to a model."""
    return {
        "rate_in_hz": 10.0, "rate_hz": 9.6, "frames_in": 350, "frames_out": 338, "dropped": 12,
        "dropped_by": {"replaced by a newer frame": 11, "lost on the way back": 1},
        "latency_ms": {"median": 91.5, "p95": 128.0, "max": 240.2},
        "age_ms": {"median": 97.0, "p95": 140.0, "max": 260.0},
        "network_ms": {"median": 71.0, "p95": 90.0, "max": 150.0}, "cpu_percent": 182.0,
        "memory_mib": {"start": 210.5, "end": 214.0, "max": 221.0},
        "latency_histogram": {"edges_ms": [0, 50, 75, 100, 125, 150, 200, 250], "counts": [0, 40, 180, 90, 20, 6, 2]},
    }  # fmt: skip


def metrics(models: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """metrics.json of an evaluation that reached the end."""
    return {
        "schema": "mtl_perception/evaluation", "version": 1, "complete": True, "stopped_by": None,
        "made": {"command": "mtl-perception evaluate kitchen --model a.onnx --out out", "time": "2026-11-21T14:00:00Z",
                 "machine": "2 cores, x86-64", "versions": {"mtl_perception": "0.1.0", "onnxruntime": "1.31.1"}},
        "bag": {"name": "kitchen.mcap", "storage": "mcap", "seconds": 34.9, "frames": 350, "with_depth": 350,
                "with_labels": 350,
                "topics": {"image": "/camera/image_raw/compressed", "depth": "/camera/depth/image_raw"},
                "size": [WIDTH, HEIGHT], "skipped": {"no image within 20 ms of the depth": 7},
                "notes": ["stamps jump back by 1.2 s at frame 17"]},
        "models": models,
        **changes,
    }  # fmt: skip


def pictures(name: str, error: float, enlarge: int = 1, truth: bool = True) -> list[FramePictures]:
    """Worst, median and best frame of both tasks, or one sample without truth."""
    wanted = [(t, r) for t in ("segmentation", "depth") for r in ("median", "best", "worst")]
    found = []
    for index, (task, rank) in enumerate(wanted if truth else [("depth", "sample")]):
        rgb, depth, classes = (a.repeat(enlarge, 0).repeat(enlarge, 1) for a in scene(index))
        guess, labels = (a.repeat(enlarge, 0).repeat(enlarge, 1) for a in predicted(*scene(index)[1:], error, index))
        score = float(np.mean(np.abs(guess - depth)[depth > 0] / depth[depth > 0]))
        found.append(
            FramePictures(
                name,
                task,
                rank,
                FIRST_STAMP + index * 100_000_000,
                index,
                (score if task == "depth" else 0.5) if truth else None,
                ("abs_rel" if task == "depth" else "miou") if truth else "",
                rgb,
                guess,
                labels,
                depth if truth else None,
                classes if truth else None,
            )
        )
    return found


def write_frames(path: Path, errors: dict[str, float], frames: int = 350, jump_at: int | None = None) -> Path:
    """frames.csv of models of such errors; the stamps jump back at frame ``jump_at``."""
    random = np.random.default_rng(3)
    lines = ["stamp_s,model,depth_rmse,depth_abs_rel,pixel_accuracy,miou,network_ms"]
    for index in range(frames):
        stamp = 1_700_000_000 + 0.1 * (index if jump_at is None or index < jump_at else index - 12)
        for name, error in errors.items():
            wave = 1 + 0.4 * np.sin(index / 25) + 0.1 * random.normal()
            lines.append(
                f"{stamp:.6f},{name},{3 * error * wave:.4f},{error * wave:.4f},{0.9 - error * wave:.4f},,"
                f"{60 + 200 * error + random.gamma(2, 4):.2f}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path

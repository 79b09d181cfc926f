"""Where the camera goes: single views, and smooth walks clear of furniture."""

from __future__ import annotations

import heapq

import cv2
import numpy as np

from training.rooms.camera import Camera, look
from training.rooms.layout import Layout
from training.rooms.render import labels
from training.rooms.scene import Scene

CELL = 0.05
"""Side of a cell of the free-space grid, metres."""

STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


class FreeSpace:
    """How far from anything one is, at any spot of the room, between heights ``low`` and ``high``."""

    def __init__(self, layout: Layout, scene: Scene, low: float, high: float) -> None:
        plan = layout.plan
        shape = (int(np.ceil(plan.depth / CELL)), int(np.ceil(plan.width / CELL)))
        free = np.zeros(shape, np.uint8)
        for x0, y0, x1, y1 in plan.rectangles():
            free[int(y0 / CELL) : int(y1 / CELL), int(x0 / CELL) : int(x1 / CELL)] = 1
        bounds = scene.part_bounds[scene.part_labels[:, 2] > 0]
        for lo, hi in bounds[(bounds[:, 0, 2] < high) & (bounds[:, 1, 2] > low)]:
            a, b = np.floor(lo[:2] / CELL).astype(int), np.ceil(hi[:2] / CELL).astype(int)
            free[max(a[1], 0) : b[1], max(a[0], 0) : b[0]] = 0
        padded = cv2.distanceTransform(np.pad(free, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        self.clearance = np.maximum(padded - 0.5, 0) * CELL

    def at(self, points: np.ndarray) -> np.ndarray:
        """Clearance (N,) in metres at (N, 2) spots."""
        cell = np.clip((points / CELL).astype(int), 0, np.array(self.clearance.shape)[::-1] - 1)
        return self.clearance[cell[:, 1], cell[:, 0]]

    def spots(self, margin: float) -> np.ndarray:
        """(N, 2) centres of the cells of the largest connected area at least ``margin`` metres from anything."""
        while True:
            count, area, stats, _ = cv2.connectedComponentsWithStats((self.clearance > margin).astype(np.uint8))
            if count > 1:
                break
            margin *= 0.8
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        return (np.argwhere(area == largest)[:, ::-1] + 0.5) * CELL

    def route(self, start: np.ndarray, goal: np.ndarray, margin: float) -> np.ndarray:
        """(N, 2) points of the way from ``start`` to ``goal`` (Dijkstra) that prefers open space."""
        source, target = (tuple((p[::-1] / CELL).astype(int)) for p in (start, goal))
        best, came = {source: 0.0}, {}
        queue = [(0.0, source)]
        while queue:
            cost, cell = heapq.heappop(queue)
            if cell == target:
                break
            if cost > best[cell]:
                continue
            for dy, dx in STEPS:
                step = (cell[0] + dy, cell[1] + dx)
                if not (0 <= step[0] < self.clearance.shape[0] and 0 <= step[1] < self.clearance.shape[1]):
                    continue
                room = self.clearance[step]
                if room <= margin and step != target:
                    continue
                total = cost + np.hypot(dy, dx) * (1 + 0.15 / max(room, CELL))
                if total < best.get(step, np.inf):
                    best[step], came[step] = total, cell
                    heapq.heappush(queue, (total, step))
        cells = [target]
        while cells[-1] in came:
            cells.append(came[cells[-1]])
        return (np.array(cells[::-1], float)[:, ::-1] + 0.5) * CELL


def interest(scene: Scene, camera: Camera, pose: np.ndarray) -> float:
    """How much a view shows: the classes in it, less what is too near or bare."""
    small = Camera.centred(40, 30, camera.intrinsics.fx * 40 / camera.width)
    seen = labels(scene, small, pose)
    counts = np.bincount(seen.semantic.ravel(), minlength=41)
    bare = counts[[1, 2, 22]].sum() / counts.sum()
    return float((counts > 5).sum() - 6 * max(bare - 0.6, 0) - 8 * np.mean((seen.depth < 0.6) | (seen.depth == 0)))


def view(layout: Layout, scene: Scene, camera: Camera, rng: np.random.Generator, tries: int = 6) -> np.ndarray:
    """Pose of a single view from 0.4..1.7 m, the best of a few at random."""
    best, pose = -np.inf, np.eye(4)
    for _ in range(tries):
        height = rng.uniform(0.4, 1.7)
        spots = FreeSpace(layout, scene, height - 0.25, height + 0.25).spots(0.25)
        spot = np.append(spots[rng.integers(len(spots))], height)
        toward = layout.focus[rng.integers(len(layout.focus))] - spot
        yaw = np.arctan2(toward[1], toward[0]) + rng.normal(0, 0.25)
        pitch = np.clip(np.arctan2(toward[2], np.hypot(*toward[:2])) + rng.normal(0, 0.08), -0.7, 0.3)
        candidate = look(spot, yaw, float(pitch), rng.normal(0, 0.03))
        score = interest(scene, camera, candidate)
        if score > best:
            best, pose = score, candidate
    return pose


def walk(
    layout: Layout, scene: Scene, camera: Camera, rng: np.random.Generator, count: int, rate: float, tries: int = 5
) -> list[np.ndarray]:
    """Poses of a smooth walk of ``count`` frames at ``rate`` a second, the best of a few at random."""
    best, poses = -np.inf, []
    for _ in range(tries):
        candidate = _one_walk(layout, scene, rng, count, rate)
        score = np.mean([interest(scene, camera, pose) for pose in candidate[:: max(count // 12, 1)]])
        if score > best:
            best, poses = score, candidate
    return poses


def _one_walk(layout: Layout, scene: Scene, rng: np.random.Generator, count: int, rate: float) -> list[np.ndarray]:
    height = rng.uniform(0.6, 1.6)
    space = FreeSpace(layout, scene, 0.1, height + 0.2)
    margin = min(0.3, 0.6 * float(space.clearance.max()))
    spots = space.spots(margin)
    margin = min(margin, float(space.at(spots).min()) * 0.99)
    wanted = rng.uniform(0.3, 0.5) * count / rate
    stops = [spots[rng.integers(len(spots))]]
    trail = [stops[0][None]]
    for _ in range(8):
        options = spots[rng.integers(len(spots), size=12)]
        stops.append(options[np.linalg.norm(options - stops[-1], axis=1).argmax()])
        trail.append(space.route(stops[-2], stops[-1], margin)[1:])
        if _length(np.concatenate(trail)) > wanted:
            break
    ground = _even(np.concatenate(trail), wanted, count)
    sway = 0.012 * np.sin(2 * np.pi * 0.9 * np.arange(count) / rate + rng.uniform(0, 6))
    yaw, pitch = _gaze(layout, ground, height, rng, rate)
    roll = _smoothed(rng.normal(0, 0.05, count), 0.4 * rate)
    return [look(np.array([*ground[i], height + sway[i]]), yaw[i], pitch[i], roll[i]) for i in range(count)]


def _even(trail: np.ndarray, wanted: float, count: int) -> np.ndarray:
    """``count`` points at a speed that starts and ends gently along the first ``wanted`` metres of a rounded trail."""
    pad = 12
    padded = np.concatenate([np.repeat(trail[:1], pad, 0), trail, np.repeat(trail[-1:], pad, 0)])
    soft = np.stack([_smoothed(padded[:, i], 4.0) for i in (0, 1)], 1)[pad - 1 : len(padded) - pad + 1]
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(soft, axis=0), axis=1))])
    t = np.linspace(0, 1, count) if count > 1 else np.zeros(1)
    eased = t + 0.5 * (t * t * (3 - 2 * t) - t)
    distance = eased * min(wanted, along[-1])
    return np.stack([np.interp(distance, along, soft[:, i]) for i in (0, 1)], 1)


def _gaze(
    layout: Layout, ground: np.ndarray, height: float, rng: np.random.Generator, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Yaw and pitch that turn calmly from one object to the next."""
    count, hold = len(ground), max(int(2.0 * rate), 1)
    focus = np.array(layout.focus)
    yaw, pitch = np.empty(count), np.empty(count)
    last = None
    for start in range(0, count, hold):
        here = ground[start]
        away = np.linalg.norm(focus[:, :2] - here, axis=1)
        far = focus[away > min(1.2, float(np.median(away)))]
        angle = np.arctan2(far[:, 1] - here[1], far[:, 0] - here[0])
        turn = np.abs((angle - (angle[0] if last is None else last) + np.pi) % (2 * np.pi) - np.pi)
        near = np.flatnonzero(turn < 1.2) if last is not None and (turn < 1.2).any() else np.arange(len(far))
        target = far[rng.choice(near)]
        for i in range(start, min(start + hold, count)):
            to = np.append(target[:2] - ground[i], target[2] - height)
            yaw[i] = np.arctan2(to[1], to[0])
            pitch[i] = np.clip(np.arctan2(to[2], max(np.hypot(to[0], to[1]), 1.0)), -0.4, 0.12)
        last = yaw[min(start + hold, count) - 1]
    return _smoothed(np.unwrap(yaw), 0.8 * rate), _smoothed(pitch, 0.8 * rate)


def _smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing along time whose ends hold their value."""
    reach = max(int(3 * sigma), 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())

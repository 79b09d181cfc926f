"""What a training step and its frames cost, against the plain recipe: ``python -m bench.training_step FOLDER:SPLIT``.

The plain recipe, as reference code for such networks has it: float32 in the default memory layout, every auxiliary
prediction upsampled to the labels for its loss, pictures decoded again at each epoch. Ours: channels last, losses
at their own scale, the optimiser in one kernel, pictures decoded once. The two take turns in one run, so that a busy
moment hits both. So do ours in float32 and in bfloat16 mixed precision (`fit --trainer.precision bf16-mixed`), which
not every network gains by. Compare within a table only: in the second, four networks share one process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from tqdm import trange

from bench.results import conditions
from mtl_perception.argument_types import user_path
from mtl_perception.atomic_write import write_atomically
from mtl_perception.evaluation.process_usage import peak_memory
from mtl_perception.json_file import write_json
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.folder import FolderDataset
from training.datasets.sample import collate
from training.datasets.source import Source, common_classes
from training.losses.multi_task import MultiTaskLoss
from training.models.modalities import encode
from training.module import PerceptionModule

BATCH = 8
GOAL = 2.0
"""Least ratio of the medians."""
BACKBONES = ("efficientnet_lite0", "hrnet_w18_small_v2")
"""Of the studies; the recipes are compared on the first."""


class UpsampledLoss(MultiTaskLoss):
    """Deep supervision as references have it: every scale's prediction resized to the label."""

    def _own_scale(self, name: str, prediction: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        return self._final(name, prediction, labels)


class Recipe:
    """A network, its loss and optimiser, and the frames it draws batches of.

    Args:
        source: labelled frames.
        ours: this project's recipe; else the plain one.
        size: working height and width.
        backbone: of the network.
        bf16: in bfloat16 mixed precision, as Lightning's ``bf16-mixed``.
    """

    def __init__(
        self, source: Source, ours: bool, size: tuple[int, int], backbone: str = BACKBONES[0], bf16: bool = False
    ) -> None:
        torch.manual_seed(0)
        self.classes = common_classes([source])
        self.ours, self.bf16 = ours, bf16
        self.module = PerceptionModule(self.classes, *size, 210.0, backbone, head_widths=[32, 32, 64, 64])
        if not ours:
            self.module.network.to(memory_format=torch.contiguous_format)
        self.loss = MultiTaskLoss() if ours else UpsampledLoss()
        self.optimiser = torch.optim.AdamW(self.module.parameters(), fused=ours and not bf16)
        camera = CanonicalCamera(*size, 210.0)
        self.frames = FolderDataset(source.folder, source.names, camera, augment=True, in_memory=ours)

    def batch(self, first: int) -> dict[str, Tensor]:
        """``BATCH`` frames from ``first`` on."""
        return collate([self.frames[(first + i) % len(self.frames)] for i in range(BATCH)])

    def step(self, batch: dict[str, Tensor]) -> None:
        """Forward, loss, backward, update."""
        inputs = encode(batch, self.module.inputs) if self.ours else batch["image"]
        self.optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            loss = self.loss(self.module.network(inputs), batch)["loss"]
        loss.backward()
        self.optimiser.step()


def measure_precisions(source: Source, size: tuple[int, int], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of our recipe's steps by backbone and precision, all in turn."""
    recipes = {
        (backbone, name): Recipe(source, True, size, backbone, bf16)
        for backbone in BACKBONES
        for name, bf16 in (("fp32", False), ("bf16-mixed", True))
    }
    times: dict[str, dict[str, list[float]]] = {b: {"fp32": [], "bf16-mixed": []} for b in BACKBONES}
    batch = next(iter(recipes.values())).batch(0)
    for i in trange(rounds + 1, desc="precisions", unit="round"):
        for (backbone, name), recipe in recipes.items():
            start = time.perf_counter()
            recipe.step(batch)
            if i:
                times[backbone][name].append(time.perf_counter() - start)
    return times


def measure(source: Source, size: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    """Seconds of each step, and of each batch's loading, of the two recipes in turn."""
    recipes = {"ours": Recipe(source, True, size), "plain": Recipe(source, False, size)}
    times: dict[str, list[float]] = {f"{name} {what}": [] for name in recipes for what in ("step", "batch")}
    for i in trange(rounds + 1, desc="measuring", unit="round"):
        for name, recipe in recipes.items():
            start = time.perf_counter()
            batch = recipe.batch(i * BATCH)
            loaded = time.perf_counter()
            recipe.step(batch)
            if i:  # The first step allocates.
                times[f"{name} batch"].append(loaded - start)
                times[f"{name} step"].append(time.perf_counter() - loaded)
    return times


def put_peak_memory(frames: str, ours: bool, size: tuple[int, int], queue: multiprocessing.Queue[float]) -> None:
    """Put the most memory, in GiB, that a process of a recipe's own held over three steps."""
    recipe = Recipe(Source.parse(frames, "."), ours, size)
    for i in range(3):
        recipe.step(recipe.batch(i * BATCH))
    queue.put((peak_memory(os.getpid()) or 0.0) / 2**10)


def _peak(frames: str, ours: bool, size: tuple[int, int]) -> float:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[float] = context.Queue()
    process = context.Process(target=put_peak_memory, args=(frames, ours, size, queue))
    process.start()
    peak = queue.get()
    process.join()
    return peak


def main() -> None:
    """Measure and write ``training_step.md`` and ``.json``."""
    parser = argparse.ArgumentParser(prog="python -m bench.training_step", description=__doc__)
    parser.add_argument("frames", metavar="FOLDER:SPLIT", help="labelled frames")
    parser.add_argument("--rounds", type=int, default=20, help="steps of each recipe (default: 20)")
    parser.add_argument(
        "--out", type=user_path, default=Path("docs/results"), help="where to write (default: docs/results)"
    )
    options = parser.parse_args()
    size = (192, 256)
    source = Source.parse(options.frames, ".")
    command = shlex.join(["python", "-m", "bench.training_step", *sys.argv[1:]])
    under = conditions(command, "MTI-Net on efficientnet_lite0")
    times = {name: median(values) for name, values in measure(source, size, options.rounds).items()}
    memory = {name: _peak(options.frames, name == "ours", size) for name in ("ours", "plain")}
    precisions = {
        backbone: {name: median(values) for name, values in by_name.items()}
        for backbone, by_name in measure_precisions(source, size, options.rounds).items()
    }
    step, loading = times["plain step"] / times["ours step"], times["plain batch"] / times["ours batch"]
    both = sum(times[f"plain {w}"] for w in ("step", "batch")) / sum(times[f"ours {w}"] for w in ("step", "batch"))
    lines = [
        "# A training step",
        "",
        *(line for line in (__doc__ or "").splitlines()[2:] if line),
        "",
        f"| {BATCH} frames at {size[0]}x{size[1]} | plain | ours | ratio | goal |",
        "|---|---|---|---|---|",
        f"| step, ms (median of {options.rounds}) | {1e3 * times['plain step']:.0f} | {1e3 * times['ours step']:.0f} "
        f"| {step:.2f} | |",
        f"| loading the frames in one process, ms | {1e3 * times['plain batch']:.0f} | {1e3 * times['ours batch']:.0f} "
        f"| {loading:.2f} | |",
        f"| both, one after the other | | | {both:.2f} | {GOAL}: {'met' if both >= GOAL else 'MISSED'} |",
        f"| peak memory of the process, GiB | {memory['plain']:.2f} | {memory['ours']:.2f} | | |",
        "",
        f"| our step on {BATCH} frames at {size[0]}x{size[1]} | fp32, ms | bf16-mixed, ms | ratio |",
        "|---|---|---|---|",
        *(
            f"| {backbone} | {1e3 * t['fp32']:.0f} | {1e3 * t['bf16-mixed']:.0f} | {t['fp32'] / t['bf16-mixed']:.2f} |"
            for backbone, t in precisions.items()
        ),
        "",
        f"`{under['command']}`, {under['date']}; {under['machine']}; torch {torch.__version__}; load average "
        f"{under['load_average']:.2f} at the start; "
        f"{'MALLOC_MMAP_MAX_=0' if os.environ.get('MALLOC_MMAP_MAX_') == '0' else 'glibc as it comes'}.",
    ]
    print("\n".join(lines))
    content = {"conditions": under, "seconds": times, "precisions_seconds": precisions, "peak_memory_gib": memory}
    write_json(options.out / "training_step.json", content)
    write_atomically(options.out / "training_step.md", ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()

"""What `mtl-perception evaluate` costs beside the network: ``python -m bench.evaluation``.

Rate: a recording of 640x480 JPEG with raw depth, labels and camera info is measured, and the network alone is run on
the same frames, decoded before; the two take turns, so that a busy moment hits both. The rate of the whole is from the
first frame asked for to the last one scored. Memory: the command itself, in a process of its own, measures a recording
of 5,000 frames of 320x240, with a network that costs nothing, as memory does not depend on it; its resident memory is
read from outside until the figures are written, then for the report.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from tqdm import tqdm, trange

from bench.pixel_network import write_pixel_network
from bench.recorded_camera import FOCAL_LENGTH, pictures, write_recording
from bench.results import conditions
from mtl_perception.argument_types import user_path
from mtl_perception.evaluation.measurement import Measurement, Recording
from mtl_perception.json_file import write_json
from mtl_perception.network import Network, read_card
from mtl_perception.share import model_path
from training.results_page import write_page

GOAL_RATIO = 0.9
"""Least rate of the whole over that of the network alone."""
GOAL_GROWTH = 0.05
"""Most by which memory may grow from the settled beginning to the end of the recording."""
_BUSY = 1.0
"""Load average at the start above which the rates are not judged."""
_SETTLED = 0.2
"""Share of the time after which memory should have its final size."""
_EVERY = 0.2
"""Seconds between two looks at the memory."""


def measure_rate(model: Path, frames: int, rounds: int) -> dict[str, list[float]]:
    """Frames a second of the whole, and of the network alone, of each round."""
    network = Network(model)
    rates: dict[str, list[float]] = {"whole": [], "alone": []}
    with tempfile.TemporaryDirectory() as temporary:
        bag = Path(temporary) / "camera"
        write_recording(bag, frames, 480, 640)
        decoded = [rgb for rgb, _, _ in pictures(480, 640)]
        for _ in trange(rounds, desc="measuring", unit="round", disable=None):
            network.warm_up(2)
            started = time.perf_counter()
            for i in range(frames):
                network.predict(decoded[i % len(decoded)], FOCAL_LENGTH)
            rates["alone"].append(frames / (time.perf_counter() - started))
            measurement = Measurement(Recording(bag), {"network": network}, "")
            measurement.measure()
            found = measurement.metrics()
            if (found["bag"]["with_depth"], found["bag"]["with_labels"]) != (frames, frames):
                raise RuntimeError(f"not all frames were compared with the truth: {found['bag']}")
            rates["whole"].append(found["models"][0]["speed"]["frames_per_second"])
    return rates


def measure_memory(frames: int) -> dict[str, Any]:
    """Resident memory, MiB, of the command at work on a recording of ``frames``."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        bag, network, out = root / "camera", root / "pixel.onnx", root / "out"
        write_recording(bag, frames, 240, 320, compressed=True)
        write_pixel_network(network, 240, 320)
        arguments = ["evaluate", str(bag), "--model", str(network), "--out", str(out)]
        process = psutil.Popen([sys.executable, "-m", "mtl_perception.cli", *arguments], stdout=subprocess.DEVNULL)
        samples, report = [], []
        started = time.monotonic()
        with tqdm(desc="memory", unit="look", disable=None) as progress:
            while process.poll() is None:
                memory = process.memory_info().rss / 2**20
                if (out / "metrics.json").exists():
                    report.append(memory)
                else:
                    samples.append((round(time.monotonic() - started, 2), round(memory, 1)))
                progress.update()
                time.sleep(_EVERY)
        if process.returncode:
            raise RuntimeError(f"the command ended with {process.returncode}")
        measured = json.loads((out / "metrics.json").read_text())["bag"]["frames"]
    if measured != frames:
        raise RuntimeError(f"{measured} of {frames} frames were measured")
    settled = [memory for seconds, memory in samples if seconds >= _SETTLED * samples[-1][0]]
    tenth = max(1, len(settled) // 10)
    first, last = median(settled[:tenth]), median(settled[-tenth:])
    return {
        "frames": frames,
        "seconds": samples[-1][0],
        "settled_mib": first,
        "end_mib": last,
        "max_mib": max(settled),
        "growth": last / first - 1,
        "report_max_mib": max(report, default=last),
        "samples": samples,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write ``evaluation.md`` and ``.json``; 1 when a goal is missed."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description=__doc__)
    parser.add_argument("--model", default="", help="network file, or the bare name of a shipped one (default: that)")
    parser.add_argument("--rounds", type=int, default=5, help="of the rate (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=100, help="of each round (default: %(default)s)")
    parser.add_argument("--long", type=int, default=5000, help="frames of the long recording (default: %(default)s)")
    parser.add_argument(
        "--out", type=user_path, default=Path("docs/results"), help="where to write (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    model = model_path(options.model)
    card = read_card(model)
    command = shlex.join(["python", "-m", "bench.evaluation", *arguments])
    under = conditions(command, f"{card.name} at {card.input_width}x{card.input_height}")
    rates = measure_rate(model, options.frames, options.rounds)
    memory = measure_memory(options.long)
    ratio = median(whole / alone for whole, alone in zip(rates["whole"], rates["alone"], strict=True))
    # Who else is at work takes from the one and from the other, and not alike.
    is_busy = under["load_average"] > _BUSY
    met = None if is_busy else ratio >= GOAL_RATIO, memory["growth"] <= GOAL_GROWTH
    lines = _page(rates, ratio, memory, met, under, options)
    page = options.out / "evaluation.md"
    print("\n".join(lines))
    content = {"conditions": under, "frames_per_second": rates, "ratio": ratio, "memory": memory}
    write_json(options.out / "evaluation.json", content)
    write_page(page, "\n".join(lines))
    return 1 if False in met else 0


def _page(
    rates: dict[str, list[float]],
    ratio: float,
    memory: dict[str, Any],
    met: tuple[bool | None, bool],
    under: dict[str, Any],
    options: argparse.Namespace,
) -> list[str]:
    said = [{True: "met", False: "MISSED", None: "not judged, the machine was busy"}[one] for one in met]
    shares = [one / other for one, other in zip(rates["whole"], rates["alone"], strict=True)]
    alone, whole = (median(rates[name]) for name in ("alone", "whole"))
    return [
        "# Measuring a recording",
        "",
        *(line for line in (__doc__ or "").splitlines()[2:] if line),
        "",
        "| | measured | goal |",
        "|---|---|---|",
        f"| the network alone, frames a second (median of {options.rounds} times {options.frames}) | {alone:.1f} | |",
        f"| `evaluate`, frames a second | {whole:.1f} | |",
        f"| its share of the network's rate, median (range) of the rounds | {ratio:.2f} ({min(shares):.2f} to "
        f"{max(shares):.2f}) | {GOAL_RATIO}: {said[0]} |",
        f"| memory after {_SETTLED:.0%} of {memory['frames']} frames, MiB | {memory['settled_mib']:.0f} | |",
        f"| memory at the end, MiB (growth) | {memory['end_mib']:.0f} ({memory['growth']:+.1%}) "
        f"| {GOAL_GROWTH:.0%}: {said[1]} |",
        f"| most memory: measuring, then drawing the report, MiB | {memory['max_mib']:.0f}, "
        f"{memory['report_max_mib']:.0f} | |",
        "",
        f"`{under['command']}`, {under['date']}; network {under['network']}; {under['machine']}; load average "
        f"{under['load_average']:.2f} at the start; "
        f"{', '.join(f'{name} {version}' for name, version in under['versions'].items())}.",
    ]


if __name__ == "__main__":
    sys.exit(main())

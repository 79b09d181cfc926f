"""What becomes of RGB-D frames at 30 a second on their way through the depth logger: ``python -m bench.depth_logger``.

A camera process sends colour and depth of 640x480 with noise and holes, raw or compressed, best effort; the logger, in
a process of its own, keeps ten pairs a second. Every logged frame is compared with what was sent under its stamp. Then
the folder is read as training reads it.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from tqdm import tqdm

from bench.camera import HEIGHT, WIDTH, NoAnswerError
from bench.figure import Row
from bench.results import conditions, goal
from bench.rgbd_camera import depths, logger_process, rgbd_camera_process
from mtl_perception.argument_types import user_path
from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetFolder
from mtl_perception.dataset_index import read_index
from mtl_perception.json_file import write_json
from mtl_perception.share import use_shared_memory_profile

RATE = 30.0
KEPT_RATE = 10.0
MEMORY_GOAL = 0.05
"""Most by which the largest sample of memory may be above the smallest, once settled."""
_WARM_UP = 60
"""Pairs sent first: discovery, the first frame, and the beginning of the run are none of what is measured."""
_SETTLED = 0.2
"""Share of the run after which memory should have its final size."""
_READ = 300
"""Frames that are read as training does."""
_HEADING = "## Figures"
TRANSPORTS = ("raw", "compressed")


def measure(transport: str, seconds: float) -> dict[str, Any]:
    """Log for ``seconds`` and read the folder; the figures."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".bench-depth-logger-") as temporary:
        folder = Path(temporary) / "set"
        values, sent = _log(folder, transport, round(seconds * RATE))
        return {**values, **_what_is_there(folder, sent), **_read_rate(folder)}


def _log(folder: Path, transport: str, count: int) -> tuple[dict[str, Any], dict[int, int]]:
    compressed = transport == "compressed"
    # A little less than a tenth of a second, so that stamps that tremble make no pair too soon.
    rules = {"min_interval": 0.9 / KEPT_RATE, "keep_every": 0.9 / KEPT_RATE}
    samples: list[tuple[float, float]] = []
    with (
        rgbd_camera_process(compressed) as camera,
        logger_process(folder, compressed, **rules) as node,
        tqdm(total=round(count / RATE), desc=transport, unit="s", disable=None) as progress,
        ThreadPoolExecutor(1) as pool,
    ):
        camera.connect()
        sent = dict(camera.stream(_WARM_UP, RATE))
        before = camera.settled()
        process = psutil.Process(node.pid)
        started, used = time.monotonic(), sum(process.cpu_times()[:2])
        streaming = pool.submit(camera.stream, count, RATE)
        while not streaming.done():
            time.sleep(1)
            samples.append((round(time.monotonic() - started, 1), round(process.memory_info().rss / 1e6, 2)))
            progress.update()
        took, used = time.monotonic() - started, sum(process.cpu_times()[:2]) - used
        sent |= streaming.result()
        after = camera.settled()
    figures = {key: int(after[key]) - int(before.get(key, 0)) for key in after if after[key].isdigit()}
    settled = [megabytes for second, megabytes in samples if second >= _SETTLED * took]
    return {
        "sent": count,
        "seconds": took,
        "colour_received": figures["colour received"],
        "depth_received": figures["depth received"],
        "pairs": figures["pairs"],
        "kept": figures["frames kept"],
        "written": figures["frames written"],
        "lost": figures["frames lost"],
        "lost_by_reason": {k.partition(": ")[2]: v for k, v in figures.items() if k.startswith("lost: ")},
        "cpu_share_of_one_core": used / took,
        "memory_mb": {"smallest": min(settled), "largest": max(settled), "last": settled[-1]},
        "memory_samples": samples,
    }, sent


def _what_is_there(folder: Path, sent: dict[int, int]) -> dict[str, Any]:
    """How many frames the folder holds, how many of these have just the depth that was sent, and their size."""
    opened, truth = DatasetFolder(folder), depths()
    (run,) = read_index(folder)
    equal = sum(
        bool((np.rint(opened.read_depth(line["name"]) * 1000) == truth[sent[line["stamp"]]]).all())
        for line in run.frames.values()
    )
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return {"in_folder": len(run.frames), "depth_as_sent": equal, "bytes_a_frame": size / len(run.frames)}


def _read_rate(folder: Path) -> dict[str, float]:
    """Frames a second that one process of training gets, from files that the system has cached, and from memory."""
    from training.datasets.canonical_camera import CanonicalCamera
    from training.datasets.folder import FolderDataset

    opened = DatasetFolder(folder)
    names = opened.names()[:_READ]
    rates = {}
    for where, in_memory in (("disk", False), ("memory", True)):
        frames = FolderDataset(opened, names, CanonicalCamera(192, 256, 210.0), augment=True, in_memory=in_memory)
        started = time.perf_counter()
        for i in range(len(frames)):
            frames[i]
        rates[f"read_from_{where}_hz"] = len(frames) / (time.perf_counter() - started)
    return rates


def rows(values: dict[str, Any]) -> list[Row]:
    """Rows of the table of one transport."""
    v, memory = values, values["memory_mb"]
    growth = memory["largest"] / memory["smallest"] - 1
    received = min(v["colour_received"], v["depth_received"])
    reasons = ", ".join(f"{why}: {count}" for why, count in v["lost_by_reason"].items() if count)
    cores = len(os.sched_getaffinity(0))
    return [
        Row("pairs sent", f"{v['sent']} in {v['seconds']:.0f} s"),
        Row("of these received, both images", str(received), "all", received == v["sent"]),
        Row("pairs seen", str(v["pairs"]), "all", v["pairs"] == v["sent"]),
        Row("kept", f"{v['kept']} ({v['kept'] / v['seconds']:.1f} a second)"),
        Row("written", str(v["written"]), "all that were kept", v["written"] == v["kept"]),
        Row("lost", f"{v['lost']}{f' ({reasons})' if reasons else ''}", "none", v["lost"] == 0),
        Row(
            "frames in the folder whose every depth pixel is as sent, warm-up included",
            f"{v['depth_as_sent']} of {v['in_folder']}",
            "all",
            v["depth_as_sent"] == v["in_folder"],
        ),
        Row(
            "processor time of the logger",
            f"{v['cpu_share_of_one_core']:.0%} of one core, {v['cpu_share_of_one_core'] / cores:.0%} of {cores}",
        ),
        Row(
            f"resident memory after {_SETTLED:.0%} of the time",
            f"{memory['smallest']:.1f} to {memory['largest']:.1f} MB ({growth:.1%}), "
            f"{memory['last']:.1f} MB at the end",
            f"within {MEMORY_GOAL:.0%}",
            growth <= MEMORY_GOAL,
        ),
        Row("on disk", f"{v['bytes_a_frame'] / 1e6:.2f} MB a frame"),
        Row(
            "read by one process of training, with augmentation to 256x192",
            f"{v['read_from_disk_hz']:.0f} frames a second from cached files, "
            f"{v['read_from_memory_hz']:.0f} from memory",
        ),
    ]


def _section(kept: dict[str, Any]) -> str:
    assert __doc__
    lines = [_HEADING, "", *(line for line in __doc__.splitlines()[2:] if line), ""]
    for transport in (t for t in TRANSPORTS if t in kept):
        under = kept[transport]["conditions"]
        versions = ", ".join(f"{name} {version}" for name, version in under["versions"].items())
        lines += [f"### {transport}", "", "| | measured | goal |", "|---|---|---|"]
        lines += [f"| {row.what} | {row.value} | {goal(row)} |" for row in rows(kept[transport]["values"])]
        lines += [
            "",
            f"`{under['command']}`, {under['date']}; {WIDTH}x{HEIGHT}; {under['machine']}; load average at the start "
            f"{under['load_average']:.2f}; {versions}.",
            "",
        ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and keep the figures; 0 when every goal is met, 1 when one is missed, 2 when it could not be measured."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m bench.depth_logger", description=__doc__)
    parser.add_argument("transports", nargs="*", metavar="raw|compressed", help="which to measure (default: both)")
    parser.add_argument("--seconds", type=float, default=180.0, help="how long (default: %(default)g)")
    parser.add_argument(
        "--out",
        type=user_path,
        default=Path("docs/results"),
        help="folder of depth_logger.json and .md (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.transports) - set(TRANSPORTS):
        parser.error(f"there is no transport {', '.join(sorted(unknown))}; there are: {', '.join(TRANSPORTS)}")
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    command = shlex.join(["python", "-m", "bench.depth_logger", *arguments])
    missed = False
    for transport in options.transports or TRANSPORTS:
        under = conditions(command, "none")
        try:
            values = measure(transport, options.seconds)
        except NoAnswerError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
        _keep(options.out, transport, {"conditions": under, "values": values})
        for row in rows(values):
            print(f"  {row.what}: {row.value}" + (f" [{goal(row)}]" if row.goal else ""))
            missed |= row.met is False
    return int(missed)


def _keep(out: Path, transport: str, measured: dict[str, Any]) -> None:
    """Put what was measured into the results; what people wrote above the figures stays."""
    out.mkdir(parents=True, exist_ok=True)
    values, text = out / "depth_logger.json", out / "depth_logger.md"
    kept = {**(json.loads(values.read_text()) if values.exists() else {}), transport: measured}
    above = text.read_text().partition(_HEADING)[0] if text.exists() else "# The depth logger\n\n"
    write_json(values, kept)
    write_atomically(text, (above + _section(kept)).encode())


if __name__ == "__main__":
    sys.exit(main())

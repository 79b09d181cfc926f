"""What a process takes, seen from outside, against processes that do a known thing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mtl_perception.evaluation.process_usage import ProcessUsage, peak_memory

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")


def watched(program: str, seconds: float = 1.0) -> tuple[dict, psutil.Process]:
    """The figures of a Python ``program`` from when it prints a line on."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        before = psutil.Process(process.pid).cpu_times()
        with ProcessUsage(process.pid) as usage:
            time.sleep(seconds)
        after = psutil.Process(process.pid).cpu_times()
        process.kill()
    return usage.figures(), (sum(after[:2]) - sum(before[:2])) / seconds


def test_idle_is_idle_and_its_memory_is_what_it_holds():
    figures, _ = watched("held = b'x' * (200 << 20); print(flush=True); input()")
    assert figures["cpu_percent"] < 10
    assert 200 < figures["memory_mib"]["start"] < 260
    assert figures["memory_mib"]["start"] == pytest.approx(figures["memory_mib"]["end"], rel=0.01)


def test_busy_is_as_busy_as_psutil_says():
    figures, share = watched("print(flush=True)\nwhile True: pass")
    assert figures["cpu_percent"] == pytest.approx(100 * share, abs=20)
    assert figures["cpu_percent"] > 10


def test_the_most_memory_is_kept_after_it_was_given_back():
    program = (
        "import time; print(flush=True); held = bytes(b'x' * (200 << 20)); time.sleep(0.8); del held; time.sleep(9)"
    )
    memory = watched(program, 2.0)[0]["memory_mib"]
    assert memory["max"] > memory["start"] + 150 and memory["max"] > memory["end"] + 150


def test_the_peak_is_of_the_whole_life_of_the_process_alone():
    held = b"x" * (300 << 20)  # by its parent
    program = "held = bytes(b'x' * (100 << 20)); del held; print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        peak = peak_memory(process.pid)
        process.kill()
    assert 100 < peak < 160 and len(held)
    assert peak_memory(process.pid) is None


def test_a_process_that_is_gone_has_no_figures():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with ProcessUsage(process.pid) as usage:
        pass
    assert usage.figures() == {}

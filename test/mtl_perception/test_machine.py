"""The machine is told as it is, a PC and a Jetson alike, and what a system does not say is left out."""

from __future__ import annotations

import platform

import numpy as np
import psutil
import pytest

from mtl_perception import machine


def test_this_machine_is_told_as_psutil_knows_it():
    told = machine.machine()
    assert f"{psutil.virtual_memory().total / 2**30:.0f} GiB memory" in told
    assert f"{len(psutil.Process().cpu_affinity())} cores" in told
    assert f"{platform.system()} {platform.release()}" in told


def test_a_jetson_names_its_board_and_a_pc_its_processor(tmp_path):
    jetson, pc = tmp_path / "jetson", tmp_path / "pc"
    for root in (jetson, pc):
        (root / "proc/device-tree").mkdir(parents=True)
        (root / "proc/meminfo").write_text("MemTotal:        7810640 kB\nMemFree: 1 kB\n")
    # As there: a text ended by a zero, and no model name among the processor's lines.
    (jetson / "proc/device-tree/model").write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    (jetson / "proc/cpuinfo").write_text(
        "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp\nCPU implementer\t: 0x41\n"
    )
    core = "processor\t: 0\nmodel name\t: Fast 9000\nflags\t\t: fpu avx2 avx512f avx512_vnni avx512_bf16\n"
    (pc / "proc/cpuinfo").write_text(core * 2)
    board = f"NVIDIA Jetson Orin Nano Developer Kit, {platform.machine()} (dot products of bytes, float16), "
    assert machine.machine(jetson).startswith(board)
    assert "7 GiB memory" in machine.machine(jetson)
    assert machine.machine(pc).startswith("Fast 9000 (AVX2, AVX-512, VNNI, bfloat16), ")


def test_a_system_that_says_nothing_is_no_error(tmp_path):
    told = machine.machine(tmp_path)
    assert told.startswith(f"{platform.machine()}, ") and "GiB" not in told


def test_versions_are_of_what_is_there():
    assert machine.installed(["numpy", "no-such-package"]) == {"numpy": np.__version__}
    assert machine.load_average() == pytest.approx(psutil.getloadavg()[0], abs=0.5)

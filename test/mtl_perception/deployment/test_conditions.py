"""Power mode and GPU are read from what a PC and a Jetson have; what is not there is not known, and no error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mtl_perception.deployment.conditions import as_text, conditions
from mtl_perception.deployment.gpu import gpus, memory_of
from mtl_perception.deployment.power_mode import power_mode

ORIN_CLOCKS = """SOC family:tegra234  Machine:NVIDIA Jetson Orin Nano Developer Kit
Online CPUs: 0-5
cpu0: Online=1 Governor=schedutil MinFreq=729600 MaxFreq=1510400 CurrentFreq=1510400 IdleStates: WFI=1 c7=1
GPU MinFreq=306000000 MaxFreq=624750000  CurrentFreq=306000000
EMC MinFreq=204000000 MaxFreq=2133000000 CurrentFreq=2133000000 FreqOverride=0
FAN Dynamic Speed control=active hwmon2_pwm1=82
NV Power Mode: 15W
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program on the path that prints and exits as told; nothing else is there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, text: str, code: int = 0, asked: str = "") -> None:
        path = folder / name
        guard = f'case "$*" in *{asked}*) ;; *) exit 9 ;; esac\n' if asked else ""
        path.write_text(
            f"#!/bin/sh\n{guard}while IFS= read -r line; do echo \"$line\"; done <<'END'\n{text}\nEND\nexit {code}\n"
        )
        path.chmod(0o755)

    return put


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_pc_tells_governor_clock_and_profile(tmp_path, program):
    cpu = "sys/devices/system/cpu"
    files = {f"{cpu}/cpu{i}/cpufreq/scaling_governor": "powersave\n" for i in range(12)}
    files |= {f"{cpu}/cpu{i}/cpufreq/scaling_max_freq": f"{4_700_000 if i < 4 else 3_500_000}\n" for i in range(12)}
    files |= {"sys/firmware/acpi/platform_profile": "low-power\n"}
    assert power_mode(written(tmp_path / "pc", files)) == {
        "cpu_governor": "powersave",
        "cpu_clock_limit_mhz": "3500, 4700",
        "platform_profile": "low-power",
        "nvpmodel": None,
        "jetson_clocks": None,
    }


def test_a_jetson_tells_its_mode_and_clocks(tmp_path, program):
    program("nvpmodel", "NV Power Mode: 15W\n0", asked="-q")
    program("jetson_clocks", ORIN_CLOCKS, asked="--show")
    mode = power_mode(tmp_path)
    assert mode["nvpmodel"] == "15W (0)"
    assert mode["jetson_clocks"] == (
        "GPU MinFreq=306000000 MaxFreq=624750000 CurrentFreq=306000000; "
        "EMC MinFreq=204000000 MaxFreq=2133000000 CurrentFreq=2133000000 FreqOverride=0"
    )


def test_what_is_not_there_or_refuses_is_not_known(tmp_path, program):
    program("jetson_clocks", "Error: run as root", code=1)
    program("nvpmodel", "something else")
    written(tmp_path, {"sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "<unknown>"})
    assert set(power_mode(tmp_path).values()) == {None}
    assert gpus(tmp_path) == [] and memory_of(1) is None


def test_a_pcs_gpu_is_described_by_nvidia_smi(tmp_path, program):
    program(
        "nvidia-smi",
        "NVIDIA GeForce RTX 4060, 570.86, 210, 3105, 115.00, 8188\nTesla T4, 570.86, 300, [N/A], 70.00, 15360",
    )
    first, second = gpus(tmp_path)
    assert first["name"] == "NVIDIA GeForce RTX 4060" and first["clock_mhz"] == "210" and first["driver"] == "570.86"
    assert second["clock_limit_mhz"] is None and second["memory_mib"] == "15360"


def test_the_device_memory_of_a_process_is_its_own(program):
    program("nvidia-smi", "4711, 300\n815, 512\n4711, 44\n99, [N/A]")
    assert memory_of(4711) == 344 and memory_of(815) == 512
    assert memory_of(99) is None and memory_of(1) is None


@pytest.mark.parametrize("answers", [True, False])
def test_a_jetsons_gpu_is_described_by_its_kernel(tmp_path, program, answers):
    if answers:
        program("nvidia-smi", "Orin (nvgpu), 540.4.0, [N/A], [N/A], [N/A], [N/A]")
    root = written(
        tmp_path / "jetson",
        {
            "etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n# more",
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
            "sys/class/devfreq/154c0000.nvenc/cur_freq": "1\n",
            "sys/class/devfreq/17000000.gpu/cur_freq": "305000000\n",
            "sys/class/devfreq/17000000.gpu/max_freq": "624750000\n",
        },
    )
    (gpu,) = gpus(root)
    assert gpu["name"] == ("Orin (nvgpu)" if answers else "NVIDIA Jetson Orin Nano Developer Kit")
    assert (gpu["clock_mhz"], gpu["clock_limit_mhz"]) == ("305", "625")
    assert gpu["l4t"] == "R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic"
    assert gpu["driver"] == ("540.4.0" if answers else None)


def test_a_program_that_hangs_is_not_waited_for(tmp_path, program, monkeypatch):
    from mtl_perception.deployment import system_facts

    monkeypatch.setattr(system_facts, "_PATIENCE", 0.2)
    (tmp_path / "bin/nvpmodel").write_text("#!/bin/sh\nwhile :; do :; done\n")
    os.chmod(tmp_path / "bin/nvpmodel", 0o755)
    assert power_mode(tmp_path)["nvpmodel"] is None


def test_all_of_it_is_said_and_kept(program):
    program("nvidia-smi", "Fast GPU, 570.86, 210, [N/A], 115.00, 8188")
    made = json.loads(json.dumps(conditions("mtl-perception benchmark")))
    text = as_text(made)
    for fact in ("numpy ", "nvpmodel not known", "name Fast GPU", "clock limit mhz not known", made["machine"]):
        assert fact in text
    assert made["command"] == "mtl-perception benchmark" and made["cores"] >= 1

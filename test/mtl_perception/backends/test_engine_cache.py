"""Engines kept between runs: what is taken back, what is not and why, and what two processes do to each other."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mtl_perception.backends import engine_cache
from mtl_perception.backends.engine_cache import EngineCache, default_folder
from mtl_perception.backends.engine_file import EngineKey, StoredEngine, read_engine
from mtl_perception.backends.sealed_file import SealError

KEY = EngineKey("ab" * 32, "fp16", "Orin", "8.7", 16, "540.4.0, CUDA 12.6", "12.6", "10.3.0", 1)
STORED = StoredEngine(KEY, b"\x00engine\nof\xff bytes" * 50, "fp16", {"card": "ü"}, "", "fine")

REFUSAL = StoredEngine(KEY, b"", refused="depth moved by 9 %")


@pytest.fixture
def cache(tmp_path) -> EngineCache:
    return EngineCache(tmp_path / "cache" / "engines")


def test_an_engine_comes_back_as_it_was_kept(cache):
    assert cache.find(KEY) == (None, "no engine yet")
    assert cache.keep(STORED) == ""
    assert cache.find(KEY) == (STORED, "")
    assert EngineCache(cache.folder).find(KEY)[0] == STORED


def test_folder_and_files_are_this_users_alone_whatever_the_umask(tmp_path):
    """Ubuntu's lets the group write new files, which would then not be taken for our own."""
    before = os.umask(0o002)
    try:
        cache = EngineCache(tmp_path / "cache" / "engines")
        assert cache.keep(STORED) == ""
        cache.keep_timings(KEY, b"times")
    finally:
        os.umask(before)
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache.folder.iterdir()} == {0o600}
    assert cache.find(KEY) == (STORED, "") and cache.timings(KEY) == b"times"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tensorrt": "10.7.0"}, "TensorRT was 10.3.0, is 10.7.0"),
        ({"gpu": "NVIDIA Thor"}, "the GPU was Orin, is NVIDIA Thor"),
        ({"capability": "11.0"}, "compute capability was 8.7, is 11.0"),
        ({"multiprocessors": 8}, "the number of multiprocessors was 16, is 8"),
        ({"driver": "580.1, CUDA 13.0"}, "the driver was 540.4.0, CUDA 12.6, is 580.1, CUDA 13.0"),
        ({"cuda": "13.0"}, "CUDA was 12.6, is 13.0"),
        ({"recipe": 2}, "this package's graph was 1, is 2"),
        ({"model": "cd" * 32}, "no engine yet"),
        ({"precision": "fp32"}, "no engine yet"),
        ({"cuda": "13.0", "tensorrt": "11.0"}, "CUDA was 12.6, is 13.0; TensorRT was 10.3.0, is 11.0"),
    ],
)
def test_each_part_of_the_key_matters_and_is_named(cache, change, reason):
    cache.keep(dataclasses.replace(STORED, parity=""))
    assert cache.find(dataclasses.replace(KEY, **change)) == (None, reason)


def test_that_another_engine_was_compared_is_told(cache):
    cache.keep(STORED)
    _, reason = cache.find(dataclasses.replace(KEY, tensorrt="10.7.0"))
    assert reason.startswith("TensorRT was 10.3.0, is 10.7.0; ") and "build-engine` compared the one before" in reason


def test_a_refusal_outlives_the_machine_until_another_engine_passes(cache):
    cache.keep(REFUSAL)
    later = dataclasses.replace(KEY, driver="541")
    found, _ = cache.find(later)
    assert not found.engine and found.refused.startswith("depth moved by 9 % (since then the driver was 540.4.0")
    cache.keep(dataclasses.replace(STORED, key=later))
    assert cache.find(later)[0].engine and cache.find(dataclasses.replace(KEY, driver="542"))[0] is None
    assert cache.find(dataclasses.replace(KEY, model="cd" * 32)) == (None, "no engine yet")


def test_the_reason_is_told_of_the_engine_used_last(cache):
    for age, version in ((300, "10.1"), (100, "10.2"), (200, "10.0")):
        other = dataclasses.replace(KEY, tensorrt=version)
        cache.keep(dataclasses.replace(STORED, key=other, parity=""))
        os.utime(cache.path(other), (1e9 - age, 1e9 - age))
    assert cache.find(KEY)[1] == "TensorRT was 10.2, is 10.3.0"


def test_a_damaged_file_is_seen_whatever_was_damaged(cache):
    cache.keep(STORED)
    path = cache.path(KEY)
    whole = path.read_bytes()
    for position in [*range(0, len(whole), 61), len(whole) - 1]:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        stored, reason = cache.find(KEY)
        assert stored is None and str(path) in reason and ("damaged" in reason or "foreign" in reason)
        path.write_bytes(whole[:position])
        assert cache.find(KEY)[0] is None
    path.write_bytes(whole)
    assert cache.find(KEY)[0] == STORED


def test_the_whole_file_under_the_name_of_another_is_foreign(cache):
    other = dataclasses.replace(KEY, gpu="Thor")
    cache.keep(STORED)
    cache.path(KEY).rename(cache.path(other))
    stored, reason = cache.find(other)
    assert stored is None and "foreign file: it is of another network or machine" in reason


def _symbolic_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def _named_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"an engine that trtexec wrote"),
        lambda path: path.write_bytes(b""),
        lambda path: path.chmod(0o666),
        lambda path: path.chmod(0o620),
        _symbolic_link,
        _named_pipe,
        _folder,
    ],
    ids=["other bytes", "empty", "anybody's", "the group's", "link", "pipe", "folder"],
)
def test_what_was_not_written_here_is_not_taken(cache, spoil):
    cache.keep(STORED)
    spoil(cache.path(KEY))
    stored, reason = cache.find(KEY)
    assert stored is None and str(cache.path(KEY)) in reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_elses_is_not_taken(cache):
    cache.keep(STORED)
    os.chown(cache.path(KEY), 12345, 12345)
    assert "others than this user may have written it" in cache.find(KEY)[1]


def test_a_file_of_another_layout_is_not_taken(cache, tmp_path):
    from mtl_perception.backends.sealed_file import write_sealed

    for head in (b"{}", b"[1]", b"no json", b'{"key": {"model": 1}}'):
        write_sealed(tmp_path / "file", "engine", head + b"\nengine")
        with pytest.raises(SealError, match="another version of this package"):
            read_engine(tmp_path / "file")


# Where nothing can be kept


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    cache = EngineCache(folder)
    assert "others may write to its folder" in cache.unusable and "chmod 700" in cache.unusable
    assert cache.find(KEY) == (None, f"engines are not kept: {cache.unusable}")
    assert cache.keep(STORED) == cache.unusable and not list(folder.iterdir())
    assert cache.timings(KEY) == b""
    cache.keep_timings(KEY, b"times")
    with cache.building():
        pass
    assert not list(folder.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_elses_is_told_from_one_that_others_may_write_to(cache):
    os.chown(cache.folder, 12345, 12345)
    unusable = EngineCache(cache.folder).unusable
    assert "is another user's: name one of your own in" in unusable and "chmod" not in unusable


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert "its folder cannot be made" in EngineCache(tmp_path / "file" / "engines").unusable


def test_without_permission_to_write_what_is_there_is_read(cache, monkeypatch):
    """As root may write everywhere, the system is asked in our place."""
    cache.keep(STORED)
    cache.keep_timings(KEY, b"times")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    image = EngineCache(cache.folder)
    assert "no permission to write" in image.unusable and image.keep(STORED) == image.unusable
    assert image.find(KEY) == (STORED, "") and image.timings(KEY) == b"times"
    assert image.find(dataclasses.replace(KEY, cuda="13.0"))[0] is None


def test_a_full_disk_is_told_and_leaves_nothing(cache, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert "No space left on device" in cache.keep(STORED)
        cache.keep_timings(KEY, b"times")
    assert not list(cache.folder.iterdir())


def test_where_the_folder_is(monkeypatch, tmp_path):
    for name in ("MTL_PERCEPTION_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "mtl_perception" / "engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert default_folder() == tmp_path / ".cache" / "mtl_perception" / "engines"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_folder() == Path("/xdg/mtl_perception/engines")
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", "/data/engines")
    assert default_folder() == Path("/data/engines")
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", "~/engines")
    assert default_folder() == tmp_path / "engines"


def test_a_folder_that_goes_by_the_working_directory_is_not_used(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for chosen in ("engines", "~no-such-user-here/engines"):
        monkeypatch.setenv("MTL_PERCEPTION_CACHE", chosen)
        cache = EngineCache()
        assert cache.unusable and cache.keep(STORED) == cache.unusable and not list(tmp_path.iterdir())
    monkeypatch.setenv("MTL_PERCEPTION_CACHE", "engines")
    assert "MTL_PERCEPTION_CACHE is engines, which is no absolute path" in EngineCache().unusable


def test_a_user_without_a_home(monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    for name in ("MTL_PERCEPTION_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", none)
    assert "home directory" in EngineCache().unusable


# How much is kept


def test_the_least_recently_used_engines_go(cache, monkeypatch):
    monkeypatch.setattr(engine_cache, "_MOST_ENGINES", 3)
    keys = [dataclasses.replace(KEY, model=f"{i:02}" * 32) for i in range(5)]
    for age, key in zip((50, 40, 30), keys, strict=False):
        cache.keep(dataclasses.replace(STORED, key=key))
        os.utime(cache.path(key), (1e9 - age, 1e9 - age))
    assert cache.find(keys[0])[0]  # used now
    cache.keep(dataclasses.replace(STORED, key=keys[3]))
    cache.keep(dataclasses.replace(STORED, key=keys[4]))
    assert [bool(cache.find(key)[0]) for key in keys] == [True, False, False, True, True]


def test_refusals_stay_and_what_goes_is_told(cache, monkeypatch, caplog):
    monkeypatch.setattr(engine_cache, "_MOST_ENGINES", 1)
    keys = [dataclasses.replace(KEY, model=f"{i:02}" * 32) for i in range(2)]
    cache.keep(REFUSAL)
    os.utime(cache.path(KEY), (1, 1))
    for age, key in zip((50, 40), keys, strict=True):
        cache.keep(dataclasses.replace(STORED, key=key))
        os.utime(cache.path(key), (1e9 - age, 1e9 - age))
    assert cache.find(KEY) == (REFUSAL, "") and [cache.path(key).exists() for key in keys] == [False, True]
    (message,) = caplog.messages
    assert str(cache.path(keys[0])) in message and "is deleted: of more than 1 engines" in message


def test_timings_are_of_one_kind_of_gpu_and_version(cache):
    assert cache.timings(KEY) == b""
    cache.keep_timings(KEY, b"times")
    assert cache.timings(KEY) == b"times"
    assert cache.timings(dataclasses.replace(KEY, model="cd" * 32, precision="fp32", driver="x")) == b"times"
    for change in ({"gpu": "Thor"}, {"multiprocessors": 8}, {"tensorrt": "11"}, {"cuda": "13"}, {"capability": "9.0"}):
        assert cache.timings(dataclasses.replace(KEY, **change)) == b""
    (path,) = cache.folder.glob("*.timings")
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.timings(KEY) == b""


# Other processes

_PROCESS = """
import os, sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
from test_engine_cache import EngineCache, KEY, STORED
cache, log = EngineCache(Path(sys.argv[1])), Path(sys.argv[2])
"""


def process(code: str, cache: EngineCache, log: Path) -> subprocess.Popen:
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    command = [sys.executable, "-c", _PROCESS.format(paths=paths) + code, str(cache.folder), str(log)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_two_processes_build_once(cache, tmp_path):
    code = """
print("ready", flush=True)
with cache.building():
    if not cache.find(KEY)[0]:
        with open(log, "a") as file: file.write("built\\n")
        time.sleep(0.3)
        cache.keep(STORED)
"""
    both = [process(code, cache, tmp_path / "log") for _ in range(2)]
    assert [each.wait(90) for each in both] == [0, 0]
    for each in both:
        each.stdout.close()
    assert (tmp_path / "log").read_text() == "built\n"
    assert cache.find(KEY)[0] == STORED


def test_a_process_killed_while_it_builds_and_writes_leaves_the_cache_usable(cache, tmp_path):
    code = """
os.replace = lambda *paths: (print("ready", flush=True), time.sleep(60))
with cache.building():
    cache.keep(STORED)
"""
    killed = process(code, cache, tmp_path / "log")
    assert killed.stdout.readline() == b"ready\n"
    assert list(cache.folder.glob(".*.part"))
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    killed.stdout.close()
    assert cache.find(KEY) == (None, "no engine yet")
    with cache.building():  # which it held
        assert cache.keep(STORED) == ""
    assert cache.find(KEY)[0] == STORED
    (part,) = cache.folder.glob(".*.part")
    os.utime(part, (1e9, 1e9))
    cache.keep(STORED)
    assert not part.exists()


def test_another_process_that_ends_its_write_meanwhile_harms_nothing(cache, monkeypatch):
    torn = cache.folder / ".torn.1.part"
    torn.write_text("")
    os.utime(torn, (1e9, 1e9))
    real = Path.glob
    gone = {".*.part": [cache.folder / ".gone.1.part"]}  # seen, and away before it is looked at
    monkeypatch.setattr(Path, "glob", lambda path, pattern: [*gone.get(pattern, []), *real(path, pattern)])
    assert cache.keep(STORED) == "" and cache.find(KEY) == (STORED, "") and not torn.exists()


def test_an_engine_that_is_kept_is_said_to_be_kept_though_others_cannot_be_deleted(cache, monkeypatch):
    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(EngineCache, "_drop_engines", forbidden)
    assert cache.keep(STORED) == "" and cache.find(KEY) == (STORED, "")


def test_who_waits_for_another_build_says_so(cache, caplog):
    entered = threading.Event()

    def second() -> None:
        with cache.building():
            entered.set()

    with cache.building():
        waiting = threading.Thread(target=second)
        waiting.start()
        while "another process builds an engine: waiting for it" not in caplog.text:
            assert waiting.is_alive()
        assert not entered.is_set()
    waiting.join(30)
    assert entered.is_set()

"""Where engines are kept between runs, and why one has to be built again."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mtl_perception.backends.engine_file import EngineKey, StoredEngine, read_engine, write_engine
from mtl_perception.backends.sealed_file import SealError, nobody_elses, read_sealed, write_sealed

FOLDER_VARIABLE = "MTL_PERCEPTION_CACHE"
"""Environment variable that says where to keep engines, for those who have no home or another disk."""
_MOST_ENGINES = 12
"""The least recently used beyond these go; refusals, which are small, stay."""
_MOST_TIMINGS = 4
"""The same of files of timings; there is one for each kind of GPU and version of TensorRT."""
_TORN_AFTER = 3600.0
"""Seconds after which nobody writes a file any more."""
_TIMINGS = "timings"
_NO_ENGINE = "no engine yet"
_LOG = logging.getLogger(__name__)


def default_folder() -> Path:
    """``$MTL_PERCEPTION_CACHE``, else ``engines`` in the user's cache folder for this package.

    Raises:
        RuntimeError: this user has no home; or what was chosen depends on the working directory.
    """
    if chosen := os.environ.get(FOLDER_VARIABLE):
        folder = Path(chosen).expanduser()  # which a shell does not do amid a word, or quoted
        if not folder.is_absolute():
            raise RuntimeError(f"{FOLDER_VARIABLE} is {chosen}, which is no absolute path")
        return folder
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # which is to be ignored, says its specification
        base = Path.home() / ".cache"
    return base / "mtl_perception" / "engines"


class EngineCache:
    """Engines in a folder of this user's alone.

    Args:
        folder: where; made if need be.

    Attributes:
        unusable: why nothing can be kept there, a phrase; empty where it can. All else works all the same.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.unusable, self._trusted = "", False
        try:
            self.folder = folder or default_folder()
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = self.folder.stat()
        except (OSError, RuntimeError) as error:
            self.unusable = f"its folder cannot be made ({error})"
            return
        self._trusted = nobody_elses(about)
        if not self._trusted and about.st_uid not in (os.geteuid(), 0):
            self.unusable = (
                f"its folder {self.folder} is another user's: name one of your own in the environment variable "
                f"{FOLDER_VARIABLE}"
            )
        elif not self._trusted:
            self.unusable = f"others may write to its folder {self.folder}: chmod 700 it"
        elif not os.access(self.folder, os.W_OK | os.X_OK):  # as in an image; what is there may be read
            self.unusable = f"there is no permission to write to its folder {self.folder}"

    def path(self, key: EngineKey) -> Path:
        """Where the engine of ``key`` is kept."""
        return self.folder / f"{key.model[:16]}.{key.precision}.{key.digest()}.engine"

    def find(self, key: EngineKey) -> tuple[StoredEngine | None, str]:
        """The engine of ``key``; or None, and why it has to be built: a phrase.

        Where there is none and the last of this network and precision was refused, on whatever machine, the refusal
        stands: one that nobody compared is not to be built and run in its place unasked.
        """
        if not self._trusted:
            return None, f"engines are not kept: {self.unusable}"
        path = self.path(key)
        try:
            stored = read_engine(path)
            if stored.key != key:
                raise SealError("a foreign file: it is of another network or machine than its name says")
        except FileNotFoundError:
            return self._instead(key)
        except (SealError, OSError) as error:
            return None, f"{path}: {error}"
        with contextlib.suppress(OSError):
            os.utime(path)
        return stored, ""

    def timings(self, key: EngineKey) -> bytes:
        """How long kernels took on this GPU, in builds of any network; empty where none are known."""
        if not self._trusted:
            return b""
        try:
            return read_sealed(self._timings_path(key), _TIMINGS)
        except (SealError, OSError):
            return b""

    def keep_timings(self, key: EngineKey, timings: bytes) -> None:
        """Keep them, where that can be; the next build is only slower without."""
        if not self.unusable:
            with contextlib.suppress(OSError):
                write_sealed(self._timings_path(key), _TIMINGS, timings)
                self._drop(f"*.{_TIMINGS}", _MOST_TIMINGS)

    def keep(self, stored: StoredEngine) -> str:
        """Keep an engine, and let those go that were not used for longest; why it could not be kept, or nothing."""
        if self.unusable:
            return self.unusable
        try:
            write_engine(self.path(stored.key), stored)
        except OSError as error:
            return str(error)
        with contextlib.suppress(OSError):  # it is kept, even if the others cannot be deleted
            self._drop_engines()
            self._drop_torn()
        return ""

    @contextlib.contextmanager
    def building(self) -> Iterator[None]:
        """One process builds at a time: two would slow each other down and take the wrong kernels for the fast ones."""
        with contextlib.ExitStack() as stack:
            if not self.unusable:
                with contextlib.suppress(OSError):  # e.g. a network disk without locks
                    file = stack.enter_context(open(self.folder / "building.lock", "w"))
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        _LOG.warning("another process builds an engine: waiting for it")
                        fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _timings_path(self, key: EngineKey) -> Path:
        return self.folder / f"{key.for_timings()}.{_TIMINGS}"

    def _by_use(self, pattern: str) -> list[Path]:
        """Files of the folder, the last used first."""
        used = []
        for path in self.folder.glob(pattern):
            with contextlib.suppress(OSError):  # another process may have dropped it
                used.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(used, reverse=True)]

    def _drop(self, pattern: str, most: int) -> None:
        for path in self._by_use(pattern)[most:]:
            path.unlink(missing_ok=True)

    def _drop_engines(self) -> None:
        if len(paths := self._by_use("*.engine")) > _MOST_ENGINES:
            for path in [path for path in paths if not _is_refusal(path)][_MOST_ENGINES:]:
                path.unlink(missing_ok=True)
                _LOG.warning("%s is deleted: of more than %d engines it was not used for longest", path, _MOST_ENGINES)

    def _drop_torn(self) -> None:
        """What a process left that was killed while it wrote."""
        for path in self.folder.glob(".*.part"):
            with contextlib.suppress(FileNotFoundError):  # another process has written it to its end
                if time.time() - path.stat().st_mtime > _TORN_AFTER:
                    path.unlink()

    def _instead(self, key: EngineKey) -> tuple[StoredEngine | None, str]:
        """As ``find``, by what is another than for the engine of the same network and precision that was used last."""
        for path in self._by_use(f"{key.model[:16]}.{key.precision}.*.engine"):
            with contextlib.suppress(SealError, OSError):
                last = read_engine(path)
                changes = "; ".join(key.differences(last.key))
                if last.refused:
                    return replace(last, refused=f"{last.refused} (since then {changes}: run it again)"), ""
                if last.parity and changes:
                    changes += "; `mtl-perception build-engine` compared the one before, nobody this one"
                return None, changes or _NO_ENGINE
        return None, _NO_ENGINE


def _is_refusal(path: Path) -> bool:
    try:
        return bool(read_engine(path).refused)
    except (SealError, OSError):
        return False

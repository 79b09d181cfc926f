"""An engine as a file: what it was made of and for, and the bytes that TensorRT gave."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mtl_perception.backends.sealed_file import SealError, read_sealed, write_sealed

_KIND = "engine"


@dataclass(frozen=True)
class EngineKey:
    """All that an engine depends on: another value of any of them is another engine.

    Attributes:
        model: SHA-256 of the network file.
        precision: that it was built in.
        gpu, capability: name and compute capability of the GPU.
        multiprocessors: that it has at work: every Jetson Orin is of one name, and a power mode switches some off.
        driver, cuda, tensorrt: versions of the driver, the CUDA runtime and TensorRT.
        recipe: of the graph that TensorRT is given, ``tensorrt_opening.RECIPE``.
    """

    model: str
    precision: str
    gpu: str
    capability: str
    multiprocessors: int
    driver: str
    cuda: str
    tensorrt: str
    recipe: int

    def digest(self) -> str:
        """A name for it: 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def for_timings(self) -> str:
        """A name for what the timings of kernels depend on, as ``digest``."""
        same = [self.gpu, self.capability, self.multiprocessors, self.cuda, self.tensorrt]
        return hashlib.sha256(json.dumps(same).encode()).hexdigest()[:16]

    def differences(self, before: EngineKey) -> list[str]:
        """What is another than ``before``, a phrase each."""
        names = {
            "gpu": "the GPU",
            "capability": "compute capability",
            "multiprocessors": "the number of multiprocessors",
        }
        names |= {"driver": "the driver", "cuda": "CUDA", "tensorrt": "TensorRT", "recipe": "this package's graph"}
        names |= {"model": "the network file"}
        old, new = asdict(before), asdict(self)
        return [f"{names.get(k, k)} was {old[k]}, is {new[k]}" for k in new if old[k] != new[k]]


@dataclass(frozen=True)
class StoredEngine:
    """An engine and what is known of it.

    Attributes:
        key: what it depends on.
        engine: the bytes that TensorRT gave; none where it was refused.
        arithmetic: what it computes in, for people to read: ``fp16``, or ``int8 and fp32`` of a quantised file.
        metadata: the network file's own.
        refused: why ``build-engine`` did not let it pass; empty where it did, or was not asked.
        parity: what ``build-engine`` found when it compared the engine with the network, for people to read.
    """

    key: EngineKey
    engine: bytes
    arithmetic: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    parity: str = ""


def write_engine(path: Path, stored: StoredEngine) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: there is no room or no permission.
    """
    facts = asdict(stored)
    engine = facts.pop("engine")
    write_sealed(path, _KIND, json.dumps(facts).encode() + b"\n" + engine)


def read_engine(path: Path) -> StoredEngine:
    """Read it back; what was not written here, or not by this user, never gets as far as TensorRT.

    Raises:
        SealError: it is foreign or damaged.
        FileNotFoundError: there is none; OSError: it cannot be read.
    """
    head, _, engine = read_sealed(path, _KIND).partition(b"\n")
    try:
        facts = json.loads(head)
        return StoredEngine(**{**facts, "key": EngineKey(**facts["key"]), "engine": engine})
    except (ValueError, TypeError, KeyError) as error:
        raise SealError(f"a file of another version of this package ({error})") from error

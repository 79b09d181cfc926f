"""Open a network file and run it: a colour frame in, metric depth and classes out."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mtl_perception.backends import Backend, DeviceLostError, NetworkError
from mtl_perception.backends.choice import Candidate, Opened, Runtime, candidates, open_backend
from mtl_perception.letterbox import Letterbox
from mtl_perception.model_card import METADATA_KEY, ModelCard, ModelCardError
from mtl_perception.share import shipped_models

WARM_UP_RUNS = 2
"""Blank frames after which a network is as fast as it gets."""
_LARGEST_FILE = 2 << 30  # what one ONNX file can hold
_AT_ONCE = Runtime(backends=("onnxruntime", "openvino"))
"""Libraries that open a file at once; TensorRT may build an engine first, for minutes."""


@dataclass(frozen=True)
class Prediction:
    """What the network says of one frame, pixel for pixel.

    Attributes:
        depth: (H, W) float32, metres along the optical axis.
        segmentation: (H, W) uint8 class ids of the card.
        confidence: (H, W) uint8, probability of the class times 255.
        depth_range: metres within which the network learnt depth, for this camera: the card's range,
            scaled as the depth is.
    """

    depth: np.ndarray
    segmentation: np.ndarray
    confidence: np.ndarray
    depth_range: tuple[float, float]


class Network:
    """A network file, ready to run.

    Args:
        path: an ONNX file written by ``python -m training export``.
        runtime: with which library, and how, it is run.

    Attributes:
        card: what the file says of itself.
        sha256: of the file as it was opened, hexadecimal; it may hold another network since.
        device: what runs it, for people to read. Where the device is lost amid the work, the next wished library takes
            over, and this changes.
        passed_over: a line for each library that was to run it and does not, or not any more: which, and why.

    Raises:
        NetworkError: the file is missing, damaged, without a card or of other inputs and outputs, or
            no wished library runs it; one line that says which and what to do.
    """

    def __init__(self, path: str | os.PathLike[str], runtime: Runtime = Runtime()) -> None:  # noqa: B008 (frozen)
        self.path, self._replacing = Path(path), threading.Lock()
        (self._backend, self.passed_over, self._others), self.sha256 = _open(self.path, runtime)
        self.card = _card(self.path, self._backend)
        self.device = self._backend.device

    @classmethod
    def of(cls, backend: Backend, card: ModelCard, path: Path) -> Network:
        """A network that is open already, with the card it will have once it lies at ``path``; of no ``sha256``."""
        network = cls.__new__(cls)
        network.path, network._backend, network.card, network.device = path, backend, card, backend.device
        network._replacing, network._others = threading.Lock(), ()
        network.passed_over, network.sha256 = (), ""
        return network

    def predict(
        self, rgb: np.ndarray, focal_length: float | None = None, *, at_network_size: bool = False
    ) -> Prediction:
        """Depth and classes of one frame.

        Args:
            rgb: (H, W, 3) uint8 RGB, any size; padded, not squashed, where its shape is another than
                the network's.
            focal_length: the camera's, pixels of this frame. Depth is scaled by it over the
                canonical one (the card's). None takes the camera for the canonical one.
            at_network_size: leave the result at the network's resolution, i.e. scaled by
                ``Letterbox(frame, network).scale``, in place of the frame's own.

        Raises:
            NetworkError: the frame is empty or not such an array, or the network failed.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
            raise NetworkError(f"a frame is (H, W, 3) uint8, this one is {rgb.shape} {rgb.dtype}")
        box = Letterbox((rgb.shape[0], rgb.shape[1]), self._backend.input_shape)
        depth, segmentation, confidence = self._run(box.to_network(rgb))
        factor = 1.0
        if focal_length is not None:
            factor = focal_length * box.scale / self.card.focal_length
            depth *= np.float32(factor)
        depth_range = (self.card.depth_min * factor, self.card.depth_max * factor)
        if at_network_size:
            return Prediction(box.crop(depth), box.crop(segmentation), box.crop(confidence), depth_range)
        # The plain INTER_NEAREST lies up to half a pixel off the linear one.
        return Prediction(
            box.to_frame(depth, cv2.INTER_LINEAR),
            box.to_frame(segmentation, cv2.INTER_NEAREST_EXACT),
            box.to_frame(confidence, cv2.INTER_NEAREST_EXACT),
            depth_range,
        )

    def warm_up(self, runs: int) -> None:
        """Run ``runs`` blank frames, so that the first real one is not the slow one."""
        for _ in range(runs):
            self._run(np.zeros((1, *self._backend.input_shape, 3), np.uint8))

    def _run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        backend = self._backend
        try:
            return backend.run(image)
        except DeviceLostError as error:
            self._replace(backend, error)
        return self._run(image)

    def _replace(self, lost: Backend, error: DeviceLostError) -> None:
        """Have the next wished library run the file, or raise ``error`` where there is none."""
        with self._replacing:
            if self._backend is not lost:  # another thread has done so
                return
            if not self._others:
                raise error
            others, self._others = self._others, ()
            try:
                opened, sha256 = _open(self.path, others)
                if sha256 != self.sha256:
                    raise NetworkError(f"{self.path} is another network by now: reload it")
            except NetworkError as problem:
                raise DeviceLostError(f"{error}; and {problem}") from error
            self.passed_over = (*self.passed_over, f"{lost.device}: {error}", *opened.passed_over)
            self._backend, self._others, self.device = opened.backend, opened.others, opened.backend.device


def read_card(path: Path) -> ModelCard:
    """The card of a network file that is not to be run now.

    Raises:
        NetworkError: as of ``Network``.
    """
    return Network(path, _AT_ONCE).card


def _open(path: Path, wished: Runtime | Sequence[Candidate]) -> tuple[Opened, str]:
    """The network of the file, and the SHA-256 of what was opened."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise NetworkError(f"{path} is larger than a network file can be (2 GiB)")
        model = path.read_bytes()
    except FileNotFoundError as error:
        own = f"; the package's own, by bare name: {', '.join(shipped_models()) or 'none'}"
        raise NetworkError(f"cannot read the network file {path}: {error.strerror}{own}") from error
    except OSError as error:
        raise NetworkError(f"cannot read the network file {path}: {error.strerror}") from error
    try:
        opened = open_backend(path, model, candidates(wished) if isinstance(wished, Runtime) else wished)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from error
    return opened, hashlib.sha256(model).hexdigest()


def _card(path: Path, backend: Backend) -> ModelCard:
    text = backend.metadata.get(METADATA_KEY)
    if text is None:
        raise NetworkError(f"{path} has no card: make the file with `python -m training export`")
    try:
        card = ModelCard.from_json(text)
    except ModelCardError as error:
        raise NetworkError(f"{path}: {error}") from error
    if (card.input_height, card.input_width) != backend.input_shape:
        raise NetworkError(f"{path}: the card's input size is not the network's {backend.input_shape}")
    return card

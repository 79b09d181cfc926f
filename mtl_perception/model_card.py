"""What a network file says of itself: classes, units, size, training data and licence.

The card travels inside the ONNX file, as JSON under the metadata key ``METADATA_KEY``, so that the
file alone is enough to run the network and to know what its numbers mean.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

METADATA_KEY = "mtl_perception.card"
FORMAT = 1

UNLABELLED = 0
"""Id that a data set gives to a pixel nobody labelled."""

NOT_CONFIDENT = 255
"""Id that the node publishes where the network is not confident enough."""


class ModelCardError(ValueError):
    """The card is missing, is not JSON, or a field of it is missing or makes no sense."""


@dataclass(frozen=True)
class SemanticClass:
    """One class: its ``id`` (1..254, the data set's own), its name and its RGB colour (0..255)."""

    id: int
    name: str
    color: tuple[int, int, int]


@dataclass(frozen=True)
class TrainingData:
    """One data set the weights were trained on, and the licence it came under."""

    name: str
    frames: int
    licence: str


@dataclass(frozen=True)
class Evaluation:
    """Metrics measured on one split: ``values`` maps e.g. ``"miou"`` (0..1) or ``"rmse"`` (m)."""

    data: str
    split: str
    frames: int
    values: dict[str, float]


@dataclass(frozen=True)
class ModelCard:
    """The card of a network file.

    The network sees every frame as if taken by one canonical camera: its depth is right for a
    camera whose focal length is ``focal_length`` pixels in an image ``input_width`` pixels wide,
    and is to be multiplied by ``f / focal_length`` for a camera of focal length ``f`` there.

    Attributes:
        name: short name of the network.
        architecture: network and backbone in words.
        classes: the classes of the output ``segmentation``.
        input_height, input_width: pixels of the input ``image`` (1, H, W, 3).
        focal_length: canonical focal length, pixels of the input image.
        depth_min, depth_max: range of depth trained for, metres at the canonical focal length.
        training_data: what the weights were trained on.
        licence: licence of the weights (an SPDX identifier where there is one).
        evaluations: what was measured, and on which data.
        commit: revision of the code that exported the file.
        date: day of the export, ISO 8601.
    """

    name: str
    architecture: str
    classes: tuple[SemanticClass, ...]
    input_height: int
    input_width: int
    focal_length: float
    depth_min: float
    depth_max: float
    training_data: tuple[TrainingData, ...]
    licence: str
    evaluations: tuple[Evaluation, ...]
    commit: str
    date: str

    def __post_init__(self) -> None:
        """Check every field, raising ``ModelCardError`` that names the first wrong one."""
        if self.input_height <= 0 or self.input_width <= 0:
            raise ModelCardError(f"input size {self.input_height}x{self.input_width} is not positive")
        if not 0 < self.focal_length < float("inf"):
            raise ModelCardError(f"focal_length {self.focal_length} is not a positive number of pixels")
        if not 0 <= self.depth_min < self.depth_max < float("inf"):
            raise ModelCardError(f"depth range {self.depth_min}..{self.depth_max} m is not a range")
        ids = [c.id for c in self.classes]
        if not ids:
            raise ModelCardError("it names no classes")
        if len(set(ids)) != len(ids):
            raise ModelCardError("two classes have one id")
        for c in self.classes:
            if not UNLABELLED < c.id < NOT_CONFIDENT:
                raise ModelCardError(f"class id {c.id} ({c.name}) is not in 1..254")
            if len(c.color) != 3 or any(not 0 <= v <= 255 for v in c.color):
                raise ModelCardError(f"colour {c.color} of class {c.name} is not three values 0..255")

    def to_json(self) -> str:
        """The card as one JSON object."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read a card back.

        Raises:
            ModelCardError: ``text`` is no card; the message names the field.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelCardError(f"the card is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise ModelCardError("the card is not a JSON object")
        if data.pop("format", None) != FORMAT:
            raise ModelCardError(f"the card is not of format {FORMAT}; export the network again")
        nested = {"classes": SemanticClass, "training_data": TrainingData, "evaluations": Evaluation}
        for key, kind in nested.items():
            entries = data.get(key)
            if not isinstance(entries, list):
                raise ModelCardError(f"field {key} is missing or not a list")
            data[key] = tuple(_build(kind, entry, f"{key}[{i}]") for i, entry in enumerate(entries))
        return _build(cls, data, "the card")


_PLAIN_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}


def _build(kind: type, data: Any, where: str) -> Any:
    """Make a ``kind`` of the JSON object ``data``, whose fields must be just those of ``kind``."""
    if not isinstance(data, dict):
        raise ModelCardError(f"{where} is not a JSON object")
    names = {f.name: str(f.type) for f in fields(kind)}
    missing, unknown = names.keys() - data.keys(), data.keys() - names.keys()
    if missing:
        raise ModelCardError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown:
        raise ModelCardError(f"{where} has unknown fields {', '.join(sorted(unknown))}")
    values = dict(data)
    for name, annotation in names.items():
        plain = _PLAIN_TYPES.get(annotation)
        if plain and (not isinstance(values[name], plain) or isinstance(values[name], bool)):
            raise ModelCardError(f"{where}: {name} is {values[name]!r}, not of type {annotation}")
    if "color" in values:
        color = values["color"]
        if not isinstance(color, list) or any(type(v) is not int for v in color):
            raise ModelCardError(f"{where}: color is {color!r}, not three whole numbers")
        values["color"] = tuple(color)
    if "values" in values:
        figures = values["values"]
        if not isinstance(figures, dict) or any(type(v) not in _PLAIN_TYPES["float"] for v in figures.values()):
            raise ModelCardError(f"{where}: values is {figures!r}, not numbers by name")
    return kind(**values)

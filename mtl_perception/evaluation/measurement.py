"""Measure networks on a recording: what ``mtl-perception evaluate`` does between its arguments and its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from mtl_perception.backends import NetworkError
from mtl_perception.evaluation.conditions import conditions
from mtl_perception.evaluation.frame_pictures import FramePictures
from mtl_perception.evaluation.frames import FrameReader
from mtl_perception.evaluation.model_scores import ModelScores
from mtl_perception.evaluation.notable_frames import notable_frames, pictures_of
from mtl_perception.evaluation.pipeline import Pace, Predicted, run
from mtl_perception.evaluation.topics import Topics, choose_topics
from mtl_perception.evaluation.true_classes import LabelFolder, check_classes
from mtl_perception.model_card import ModelCard
from mtl_perception.network import Network
from mtl_perception.recordings.bag_reading import Bag, open_bag
from mtl_perception.recordings.errors import BagError

INTERRUPTED = "interrupted"
"""What ``stopped_by`` says after Ctrl-C."""


@dataclass(frozen=True)
class Recording:
    """Which recording to measure on, and which topics of it; None for those to be found.

    Attributes:
        bag: file or folder.
        image, camera_info, depth: topics.
        labels: a topic, or what ``LabelFolder`` takes.
    """

    bag: Path
    image: str | None = None
    camera_info: str | None = None
    depth: str | None = None
    labels: str | None = None

    @property
    def labels_are_on_disk(self) -> bool:
        """Whether ``labels`` is no topic: a folder of that name is there, or it cannot name one."""
        if self.labels is None:
            return False
        return Path(self.labels).is_dir() or Path(self.labels.rpartition(":")[0] or "-").is_dir()

    def topics_in(self, bag: Bag) -> Topics:
        """The topics to read.

        Raises:
            TopicError: one is not there or of another type, or it is not clear which to read.
        """
        on_disk = self.labels_are_on_disk
        return choose_topics(
            bag,
            image=self.image,
            camera_info=self.camera_info,
            depth=self.depth,
            labels=None if on_disk else self.labels,
            look_for_labels=not on_disk,
        )

    def label_folder(self, bag: Bag, image: str, cards: Mapping[str, ModelCard]) -> LabelFolder | None:
        """The labels on disk of the topic ``image``; None where they are in the bag or nowhere.

        Args:
            bag: this recording.
            image: topic of the images.
            cards: of the networks to be measured, by name.

        Raises:
            LabelError, DatasetError: labels are not there, or of other classes than a network's.
        """
        if not self.labels_are_on_disk:
            return None
        labels = LabelFolder(self.labels, bag.topics[image].count, breaks_off=bag.breaks_off is not None)
        for name, card in cards.items():
            check_classes(labels.classes, {c.id: c.name for c in card.classes}, name)
        return labels


@dataclass
class Measurement:
    """Networks and a recording, and what was measured.

    Args:
        recording: to measure on.
        networks: by the name to give them; the first is the one that others are compared with.
        command: that asked for it, to be told in the metrics.

    Attributes:
        scores: of each network.
        stopped_by: why not all of the recording was measured; None when it was.
        topics: that were read, once it is open.
    """

    recording: Recording
    networks: Mapping[str, Network]
    command: str
    scores: dict[str, ModelScores] = field(default_factory=dict)
    stopped_by: str | None = None
    topics: Topics | None = None

    def measure(self) -> None:
        """Run the networks on all frames. Ctrl-C, and damage to the recording, end it early: see ``stopped_by``.

        Raises:
            BagError: the recording cannot be opened, or it is not clear what to read, or it has no image of use.
            LabelError, DatasetError: labels are not there, or of other classes.
            NetworkError: a network failed.
        """
        cards = [network.card for network in self.networks.values()]
        self.scores = {
            name: ModelScores(network.card, cards[0] if i else None)
            for i, (name, network) in enumerate(self.networks.items())
        }
        self._pace = Pace()
        self._size: list[int] = []
        self._first_stamp = self._last_stamp = 0
        self._with_depth = self._with_classes = 0
        self._passed_over = {name: len(network.passed_over) for name, network in self.networks.items()}
        with open_bag(self.recording.bag) as bag:
            self.topics = self.recording.topics_in(bag)
            labels = self._labels(bag)
            reader = FrameReader(bag, self.topics, labels)
            total = bag.topics[self.topics.image].count
            self.stopped_by = bag.breaks_off
            try:
                self._run(reader, total)
            except KeyboardInterrupt:
                self.stopped_by = INTERRUPTED
            except BagError as error:
                self.stopped_by = str(error)
            self._bag = self._described(bag, reader, labels)
        if not self.frames and self.stopped_by != INTERRUPTED:
            raise BagError(self._why_nothing(reader))

    @property
    def frames(self) -> int:
        """How many were measured."""
        return min((len(scores.frames) for scores in self.scores.values()), default=0)

    def metrics(self) -> dict[str, Any]:
        """What was measured, as ``write_metrics`` takes it."""
        return {
            "complete": self.stopped_by is None,
            "stopped_by": self.stopped_by,
            "made": conditions(self.command),
            "bag": self._bag,
            "models": [self._model(name, i) for i, name in enumerate(self.networks)],
        }

    def pictures(self) -> list[FramePictures]:
        """The frames worth looking at, read and predicted once more.

        Raises:
            BagError: the recording cannot be read any more.
        """
        notable = {name: notable_frames(scores.frames) for name, scores in self.scores.items()}
        wanted = {one.index for chosen in notable.values() for one in chosen}
        with open_bag(self.recording.bag) as bag:
            reader = FrameReader(bag, self.topics, self._labels(bag))
            return pictures_of(reader.frames(wanted), self.networks, notable)

    def _labels(self, bag: Bag) -> LabelFolder | None:
        cards = {name: network.card for name, network in self.networks.items()}
        return self.recording.label_folder(bag, self.topics.image, cards)

    def _run(self, reader: FrameReader, total: int) -> None:
        networks = list(self.networks.values())
        bar = tqdm(total=total, desc=f"measuring on {self.recording.bag.name}", unit="image", disable=None)
        with bar, closing(reader.frames()) as frames, closing(run(frames, networks, self._score)) as steps:
            for pace in steps:
                self._pace = pace
                bar.update(reader.images - bar.n)

    def _score(self, predicted: Predicted) -> None:
        frame = predicted.frame
        if not self._size:
            self._first_stamp, self._size = frame.stamp, [frame.rgb.shape[1], frame.rgb.shape[0]]
        self._last_stamp = frame.stamp
        self._with_depth += frame.depth is not None
        self._with_classes += frame.classes is not None
        first = predicted.predictions[0]
        for i, (scores, prediction, milliseconds) in enumerate(
            zip(self.scores.values(), predicted.predictions, predicted.milliseconds, strict=True)
        ):
            try:
                scores.add(frame, prediction, milliseconds, first if i else None)
            except ValueError as error:  # a prediction that is no number
                raise NetworkError(f"{list(self.scores)[i]}: at image {frame.index}: {error}") from error

    def _described(self, bag: Bag, reader: FrameReader, labels: LabelFolder | None) -> dict[str, Any]:
        topics = {key: value for key, value in vars(self.topics).items() if value is not None}
        if labels is not None:
            topics["labels"] = labels.name
        notes = [*bag.notes, *reader.notes]
        notes += [f"{what} came with none of the images" for what in self._missing(labels)]
        notes += [f"{name}: {note}" for name, scores in self.scores.items() for note in _unknown_labels(scores)]
        for name, network in self.networks.items():
            for lost in network.passed_over[self._passed_over[name] :]:
                notes.append(f"{name}: from some image on run by {network.device}, no more by {lost}")
        return {
            "name": self.recording.bag.resolve().name,
            "storage": bag.storage,
            "seconds": (self._last_stamp - self._first_stamp) / 1e9,
            "frames": self.frames,
            "with_depth": self._with_depth,
            "with_labels": self._with_classes,
            "topics": topics,
            **({"size": self._size} if self._size else {}),
            "skipped": dict(reader.skipped),
            "notes": notes,
        }

    def _missing(self, labels: LabelFolder | None) -> list[str]:
        """Truth that is there and went with no image, whatever the reason."""
        missing = []
        if self.topics.depth is not None and not self._with_depth:
            missing.append(f"depth of {self.topics.depth}")
        if (labels is not None or self.topics.labels is not None) and not self._with_classes:
            missing.append(f"labels of {labels.name if labels else self.topics.labels}")
        return missing

    def _model(self, name: str, place: int) -> dict[str, Any]:
        network, scores = self.networks[name], self.scores[name]
        found = scores.metrics()
        if "agreement" in found:
            found["agreement"] = {"with": next(iter(self.networks)), **found["agreement"]}
        return {
            "name": name,
            "file": network.path.name,
            "sha256": network.sha256,
            "card": json.loads(network.card.to_json()),
            "provider": network.device,
            **found,
            **({"speed": self._speed(place)} if self.frames else {}),
        }

    def _speed(self, place: int) -> dict[str, Any]:
        times = [[f.network_ms for f in scores.frames] for scores in self.scores.values()]
        mine, together = times[place], sum(float(np.mean(t)) for t in times)
        rate = self._pace.frames / self._pace.seconds
        return {
            "network_ms": {
                "median": float(np.median(mine)),
                "p95": float(np.percentile(mine, 95)),
                "max": float(np.max(mine)),
            },
            "frames_per_second": rate,
            "network_alone_frames_per_second": 1e3 / float(np.mean(mine)),
            "ratio": rate * together / 1e3,
        }

    def _why_nothing(self, reader: FrameReader) -> str:
        if self.stopped_by is not None:
            return self.stopped_by
        if not reader.images:
            return f"{self.recording.bag} holds no images on {self.topics.image}"
        reason, count = max(reader.skipped.items(), key=lambda item: item[1])
        return f"none of the {reader.images} images on {self.topics.image} can be used: {reason} ({count} times)"


def _unknown_labels(scores: ModelScores) -> list[str]:
    found = scores.metrics().get("segmentation", {}).get("unknown_labels")
    if not found and scores.unknown_labels:
        found = {"ids": sorted(scores.unknown_labels), "share": 1.0}
    if not found:
        return []
    ids = ", ".join(map(str, found["ids"][:8])) + (", ..." if len(found["ids"]) > 8 else "")
    return [f"no class has the label ids {ids}: {found['share']:.1%} of the labelled pixels, not counted"]

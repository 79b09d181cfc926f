"""Which topics of a recording hold colour, camera info, depth and labels: found where there is no doubt, or asked for.

A topic's type does not tell colour from depth, so the first message of each is looked at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mtl_perception.recordings.bag_reading import Bag
from mtl_perception.recordings.errors import BagError

IMAGE, COMPRESSED, CAMERA_INFO = (f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo"))

_DEPTH = re.compile(r"16UC1|mono16|32FC1|compressedDepth")
_GREY = re.compile(r"(mono8|8UC1)\b")
_LABEL_NAMES = re.compile(r"label|segmentation|semantic|mask|class", re.IGNORECASE)
_TRANSPORTS = ("compressed", "compressedDepth")
_OWN_OUTPUTS = ("depth/image", "segmentation/image", "segmentation/confidence", "segmentation/overlay")
"""Of the perception node, which must not be taken for the truth that it is measured against."""


class TopicError(BagError):
    """It is not clear what a topic is for, or one that is asked for is not there; the message lists what there is."""


@dataclass(frozen=True)
class Topics:
    """What is read of a recording; None for what it lacks.

    Attributes:
        image: colour, raw or compressed.
        camera_info: of the colour camera.
        depth: true depth.
        depth_camera_info: of the depth camera.
        labels: true classes.
    """

    image: str
    camera_info: str | None = None
    depth: str | None = None
    depth_camera_info: str | None = None
    labels: str | None = None

    def all(self) -> list[str]:
        """Those there are."""
        return list(dict.fromkeys(topic for topic in vars(self).values() if topic is not None))


def choose_topics(
    bag: Bag,
    *,
    image: str | None = None,
    camera_info: str | None = None,
    depth: str | None = None,
    labels: str | None = None,
    look_for_labels: bool = True,
) -> Topics:
    """What to read of ``bag``; topics given are taken as they are, ``look_for_labels`` says whether to look for others.

    Raises:
        TopicError: one given is not there, is empty or of another type; or there is no camera; or several topics could
            be meant, and which is to be told.
    """
    for option, topic, types in (
        ("--image", image, (IMAGE, COMPRESSED)),
        ("--depth", depth, (IMAGE, COMPRESSED)),
        ("--labels", labels, (IMAGE, COMPRESSED)),
        ("--camera-info", camera_info, (CAMERA_INFO,)),
    ):
        if topic is not None:
            _check(bag, option, topic, types)
    kinds = _kinds(bag)
    if depth is not None and _kind(bag, depth) != "depth":
        raise TopicError(f"{depth} (--depth) holds no depth, which is 16UC1 (millimetres) or 32FC1 (metres)")
    image = image or _image(bag, kinds)
    if depth is None:
        depth = _depth(kinds, besides={image, labels})
    if labels is None and look_for_labels:
        unused = (t for t, kind in kinds.items() if kind == "labels" and t not in (image, depth))
        labels = _one("--labels", "labels", _without_twins(unused))
    infos = {t for t, recorded in bag.topics.items() if recorded.type == CAMERA_INFO and recorded.count}
    theirs = _info_beside(depth, infos) if depth else None
    own = camera_info or _info_beside(image, infos) or _only(infos - {theirs})
    return Topics(image, own, depth, theirs, labels)


def choose_image(bag: Bag, image: str | None = None) -> str:
    """The topic of ``bag`` to take colour from where nothing else is read: ``image``, or the only one it can be.

    Raises:
        TopicError: as ``choose_topics``.
    """
    if image is None:
        return _image(bag, _kinds(bag))
    _check(bag, "--image", image, (IMAGE, COMPRESSED))
    return image


def described(bag: Bag) -> str:
    """The topics of ``bag`` with types and counts, one line."""
    short = (f"{topic} ({r.type.rpartition('/')[2]}, {r.count} messages)" for topic, r in bag.topics.items())
    return "; ".join(short) or "no topics"


def _check(bag: Bag, option: str, topic: str, types: tuple[str, ...]) -> None:
    recorded = bag.topics.get(topic)
    if recorded is None:
        neither = ", nor is there a folder of that name" if option == "--labels" else ""
        raise TopicError(f"{bag.path} has no topic {topic} ({option}){neither}; it has: {described(bag)}")
    if recorded.type not in types:
        wanted = " or ".join(t.rpartition("/")[2] for t in types)
        raise TopicError(f"{topic} ({option}) is of type {recorded.type}, not {wanted}")
    if not recorded.count:
        raise TopicError(f"{topic} ({option}) holds no messages; {bag.path} has: {described(bag)}")


def _kinds(bag: Bag) -> dict[str, str]:
    """``colour``, ``grey``, ``depth`` or ``labels`` of each image topic, in order of names."""
    found = {}
    for topic, recorded in bag.topics.items():
        if recorded.type in (IMAGE, COMPRESSED) and recorded.count:
            kind = _kind(bag, topic)
            if kind:
                found[topic] = kind
    depths = [t.removesuffix("/depth/image") for t in found if t.endswith("/depth/image")]
    own = {f"{n}/{output}" for n in depths if f"{n}/segmentation/image" in found for output in _OWN_OUTPUTS}
    return {topic: kind for topic, kind in found.items() if _base(topic) not in own}


def _kind(bag: Bag, topic: str) -> str | None:
    """What a topic's first message is; None where it cannot be read."""
    try:
        message = bag.fields(next(iter(bag.messages([topic]))))
    except (BagError, StopIteration):
        return None
    encoding = getattr(message, "encoding", None) or getattr(message, "format", "")
    if _DEPTH.match(encoding) or "compressedDepth" in encoding:
        return "depth"
    if _GREY.match(encoding):
        return "labels" if _LABEL_NAMES.search(topic) else "grey"
    return "colour"


def _image(bag: Bag, kinds: dict[str, str]) -> str:
    for kind in ("colour", "grey"):
        topics = _without_twins(t for t, k in kinds.items() if k == kind)
        if topics:
            return _one("--image", "images", topics)
    depth = (
        " (mono16 is taken for depth: name the topic by --image where it is grey)" if "depth" in kinds.values() else ""
    )
    torn = f"; {bag.breaks_off}" if bag.breaks_off else ""
    raise TopicError(f"{bag.path} has no images of a camera; it has: {described(bag)}{depth}{torn}")


def _depth(kinds: dict[str, str], besides: set[str | None]) -> str | None:
    topics = _without_twins(t for t, kind in kinds.items() if kind == "depth" and t not in besides)
    aligned = [t for t in topics if "aligned" in t or "registered" in t]
    return _one("--depth", "depth", aligned if len(aligned) == 1 else topics)


def _one(option: str, what: str, topics: list[str]) -> str | None:
    if len(topics) > 1:
        raise TopicError(f"{what} could be of {len(topics)} topics: name one with {option}: {', '.join(topics)}")
    return topics[0] if topics else None


def _only(topics: set[str]) -> str | None:
    return next(iter(topics)) if len(topics) == 1 else None


def _without_twins(topics: Iterable[str]) -> list[str]:
    """``topics`` without the compressed ones of those that are there raw as well, which lost nothing."""
    topics = list(topics)
    return [t for t in topics if t == _base(t) or _base(t) not in topics]


def _base(topic: str) -> str:
    """The topic without its transport."""
    head, tail = posixpath.split(topic)
    return head if tail in _TRANSPORTS else topic


def _info_beside(topic: str, infos: set[str]) -> str | None:
    """The CameraInfo that by ROS's custom belongs to the images on ``topic``."""
    beside = posixpath.join(posixpath.dirname(_base(topic)), "camera_info")
    return beside if beside in infos else None

"""What was evaluated, and with what: the recording, each network file and its card, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_perception.evaluation.report import figures as fmt

Pairs = list[tuple[str, str]]


def of_bag(bag: Mapping[str, Any]) -> Pairs:
    """The recording, its topics, and how much of it was used."""
    pairs = [("recording", fmt.text(bag, "name")), ("storage", fmt.text(bag, "storage"))]
    if (seconds := fmt.figure(bag, "seconds")) is not None:
        pairs.append(("length", f"{seconds:,.1f}\N{NO-BREAK SPACE}s"))
    for key, name in (("frames", "frames"), ("with_depth", "with true depth"), ("with_labels", "with true labels")):
        if (count := fmt.figure(bag, key)) is not None:
            pairs.append((name, fmt.count(count)))
    size = bag.get("size")
    if isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(pixels, int) for pixels in size):
        pairs.append(("image", f"{size[0]}x{size[1]} pixels"))
    topics = bag.get("topics")
    if isinstance(topics, Mapping):
        pairs += [(f"{kind} from", fmt.text(topics, kind)) for kind in topics if fmt.text(topics, kind)]
    return _told(pairs)


def skipped(bag: Mapping[str, Any]) -> Pairs:
    """Why frames were skipped, and how many, most first."""
    reasons = bag.get("skipped")
    if not isinstance(reasons, Mapping):
        return []
    counts = [(str(reason), fmt.figure(reasons, reason) or 0) for reason in reasons]
    return [(reason, fmt.counted(n, "frame")) for reason, n in sorted(counts, key=lambda item: -item[1]) if n]


def notes(bag: Mapping[str, Any]) -> list[str]:
    """What was strange about the recording."""
    found = bag.get("notes")
    return [str(note) for note in found] if isinstance(found, list | tuple) else []


def of_model(model: Mapping[str, Any]) -> Pairs:
    """The network file, and what it says of itself."""
    pairs = [
        ("file", fmt.text(model, "file")),
        ("SHA-256", fmt.text(model, "sha256")),
        ("runs on", fmt.text(model, "provider")),
    ]
    card = model.get("card")
    if not isinstance(card, Mapping):
        return _told(pairs)
    pairs += [("network", fmt.text(card, "name")), ("architecture", fmt.text(card, "architecture"))]
    width, height = fmt.figure(card, "input_width"), fmt.figure(card, "input_height")
    if width and height:
        pairs.append(("input", f"{width:.0f}x{height:.0f} pixels"))
    if (focal := fmt.figure(card, "focal_length")) is not None:
        pairs.append(("canonical focal length", f"{focal:g} pixels"))
    low, high = fmt.figure(card, "depth_min"), fmt.figure(card, "depth_max")
    if low is not None and high is not None:
        pairs.append(("depth trained for", f"{low:.2g} to {high:.3g}\N{NO-BREAK SPACE}m at that focal length"))
    classes = [f"{fmt.text(c, 'id')} {fmt.text(c, 'name')}".strip() for c in fmt.entries(card, "classes")]
    pairs.append(("classes", ", ".join(classes)))
    for data in fmt.entries(card, "training_data"):
        facts = (_frames(data), fmt.text(data, "licence"))
        pairs.append(("trained on", _after(fmt.text(data, "name"), ", ".join(f for f in facts if f))))
    pairs.append(("licence of the weights", fmt.text(card, "licence")))
    for measured in fmt.entries(card, "evaluations"):
        pairs.append(("measured by its makers", _measured(measured)))
    revision = " at ".join(t for t in (fmt.text(card, "date"), fmt.text(card, "commit")) if t)
    return _told([*pairs, ("exported", revision)])


def of_making(made: Mapping[str, Any]) -> Pairs:
    """The command, the machine and the versions this report was made with."""
    pairs = [(name, fmt.text(made, name)) for name in ("command", "time", "machine")]
    versions = made.get("versions")
    if isinstance(versions, Mapping):
        pairs += [(str(name), fmt.text(versions, name)) for name in versions]
    return _told(pairs)


def _measured(entry: Mapping[str, Any]) -> str:
    values = entry.get("values")
    names = list(values) if isinstance(values, Mapping) else []
    told = [f"{name} {v:.3f}" for name in names if (v := fmt.figure(values, name)) is not None]
    where = " ".join(t for t in (fmt.text(entry, "data"), fmt.text(entry, "split")) if t)
    frames = _frames(entry)
    return _after(f"{where} ({frames})" if frames else where, ", ".join(told))


def _frames(entry: Mapping[str, Any]) -> str:
    frames = fmt.figure(entry, "frames")
    return "" if frames is None else fmt.counted(frames, "frame")


def _after(what: str, facts: str) -> str:
    return f"{what}: {facts}" if what and facts else what or facts


def _told(pairs: Pairs) -> Pairs:
    """``pairs`` but those with nothing to tell."""
    return [(name, text) for name, text in pairs if text]

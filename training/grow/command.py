"""``python -m training grow``: logged frames become a better network, which replaces the old one if it is better."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from mtl_perception.argument_types import user_path
from mtl_perception.atomic_write import write_atomically
from mtl_perception.backends import NetworkError
from mtl_perception.model_card import ModelCard
from mtl_perception.network import read_card
from training.checkpoint import load_checkpoint
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.grow.checks import check_growth, check_replaceable
from training.grow.comparison import compare, measure, measure_teacher, on_the_teacher
from training.grow.held_out import check_held_out, doubts_of_running, doubts_of_teacher
from training.grow.loop import GrowthLoop, GrowthSettings
from training.pseudo_labels.scales import check_scales
from training.resumable_fit import GROUPS
from training.yaml_file import read_fields

RECIPE = Path(__file__).parent.parent / "experiments" / "grow.yaml"


def main(argv: list[str]) -> None:
    """Grow; ``argv`` follows the word ``grow``."""
    parser = argparse.ArgumentParser(
        prog="python -m training grow",
        description="Make a better network of what the robot logged: a teacher that sees colour and depth (given, or "
        "trained on the labelled frames) labels the logged frames, a student learns from both, is exported, and is "
        "measured against the network that runs now. It replaces that file only if the mean gain over all held-out "
        "figures is positive and none is worse by more than 2 %; the old file stays beside it as *.previous.onnx. "
        "Interrupted, the same command goes on. A running node takes the new file by its service ~/reload.",
    )
    parser.add_argument("logged", metavar="LOGGED", help="FOLDER or FOLDER:SPLIT with depth and without classes")
    parser.add_argument(
        "--labelled", required=True, nargs="+", metavar="FOLDER:SPLIT", help="frames with depth and classes"
    )
    parser.add_argument(
        "--held-out", required=True, nargs="+", metavar="FOLDER:SPLIT", help="frames to compare on, not trained on"
    )
    parser.add_argument("--student", required=True, type=user_path, help="network file that runs now, *.onnx")
    parser.add_argument("--teacher", type=user_path, help="checkpoint of a teacher (default: train one)")
    parser.add_argument("--recipe", type=user_path, default=RECIPE, help="YAML of how to train (default: %(default)s)")
    parser.add_argument("--name", help="everything goes to runs/NAME (default: grow_ and the logged folder's name)")
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    options = parser.parse_args(argv)
    running = _card(options.student)
    check_replaceable(options.student)
    logged = Source.parse(options.logged, ".")
    check_held_out([options.logged, *options.labelled], options.held_out, "the student")
    recipe = _recipe(options.recipe)
    settings = GrowthSettings(
        name=options.name or f"grow_{logged.folder.name}",
        logged=options.logged,
        labelled=tuple(options.labelled),
        teacher=options.teacher,
        size=(running.input_height, running.input_width),
        scales=tuple(recipe.pop("pseudo_labels", {}).get("scales", ())),
        fit=recipe,
        accelerator=options.accelerator,
    )
    check_growth(settings)
    doubts = doubts_of_running(running, options.held_out)
    if options.teacher:
        learnt = load_checkpoint(options.teacher).training_data
        doubts += doubts_of_teacher(options.teacher, learnt, options.held_out)
    for doubt in doubts:
        print(doubt)
    loop = GrowthLoop(settings)
    measured, old = _sha256(options.student), measure(options.student, options.held_out)
    teacher = loop.teacher()
    taught = measure_teacher(teacher, options.held_out)
    print(on_the_teacher(old, taught))
    student = loop.student(teacher, loop.pseudo_labels(teacher))
    grown = loop.export(student, options.held_out)
    while (found := _sha256(options.student)) != measured:
        print(f"{options.student} is another network than when it was measured: measuring it anew")
        measured, old = found, measure(options.student, options.held_out)
    comparison = compare(old, read_card(grown).evaluations)
    paragraphs = [comparison.markdown(_card(options.student).name, "grown"), on_the_teacher(old, taught), *doubts]
    text = "\n\n".join(paragraph.rstrip("\n") for paragraph in paragraphs) + "\n"
    pages = {"comparison.json": comparison.to_json(), "comparison.md": text}
    for page in pages:  # One of an earlier comparison would say "Replaced" where that fails now.
        (loop.home / page).unlink(missing_ok=True)
    if comparison.better:
        outcome = _replace(options.student, grown)
    else:
        outcome = f"{options.student} stays as it is; the grown network is {grown}"
    print(text, outcome, sep="\n")
    for page, content in pages.items():
        write_atomically(loop.home / page, content.encode())


def _card(path: Path) -> ModelCard:
    if path.suffix != ".onnx":
        raise ConfigurationError(f"--student {path}: the network that runs is a file *.onnx")
    try:
        return read_card(path)
    except NetworkError as error:
        raise ConfigurationError(str(error)) from error


def _replace(running: Path, grown: Path) -> str:
    """Put the grown network in the place of the one that runs, which is kept; returns what to tell of it."""
    previous = running.with_suffix(".previous.onnx")
    write_atomically(previous, running.read_bytes())
    write_atomically(running, grown.read_bytes())
    return f"{running} is the grown network now, {previous} the one before; ~/reload makes a node take it"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _recipe(path: Path) -> dict[str, dict[str, Any]]:
    content = read_fields(path, "recipe")
    parts = {"both": GROUPS, "teacher": GROUPS, "student": GROUPS, "pseudo_labels": ("scales",)}
    if content.keys() - parts.keys():
        raise ConfigurationError(f"{path} is no recipe: it holds {', '.join(parts)}, see {RECIPE}")
    for part, values in content.items():
        if not isinstance(values, dict) or values.keys() - set(parts[part]):
            raise ConfigurationError(f"{path}: {part} holds {', '.join(parts[part])}, see {RECIPE}")
        if part != "pseudo_labels" and not all(isinstance(group, dict) for group in values.values()):
            raise ConfigurationError(f"{path}: each of {', '.join(values)} under {part} holds arguments, see {RECIPE}")
    check_scales(content.get("pseudo_labels", {}).get("scales", []), f"{path}: ")
    return content

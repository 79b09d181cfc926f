"""``python -m training grow``: logged frames become a better network, which replaces the old one if it is better."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_perception.atomic_write import write_atomically
from mtl_perception.backends import NetworkError
from mtl_perception.model_card import ModelCard
from mtl_perception.network import read_card
from training.datasets.source import Source
from training.errors import ConfigurationError
from training.grow.comparison import compare, measure, on_the_teacher
from training.grow.loop import GrowthLoop, GrowthSettings
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
    parser.add_argument("--student", required=True, type=Path, help="network file that runs now, *.onnx")
    parser.add_argument("--teacher", type=Path, help="checkpoint of a teacher (default: train one)")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="YAML of how to train (default: %(default)s)")
    parser.add_argument("--name", help="everything goes to runs/NAME (default: grow_ and the logged folder's name)")
    parser.add_argument("--accelerator", default="auto", help="Lightning's: auto (default), cpu, gpu")
    options = parser.parse_args(argv)
    running = _card(options.student)
    logged = Source.parse(options.logged, ".")
    _check_held_out([options.logged, *options.labelled], options.held_out)
    recipe = _recipe(options.recipe)
    loop = GrowthLoop(
        GrowthSettings(
            name=options.name or f"grow_{logged.folder.name}",
            logged=options.logged,
            labelled=tuple(options.labelled),
            teacher=options.teacher,
            size=(running.input_height, running.input_width),
            scales=tuple(recipe.pop("pseudo_labels", {}).get("scales", ())),
            fit=recipe,
            accelerator=options.accelerator,
        )
    )
    old = measure(options.student, options.held_out)
    teacher = loop.teacher()
    taught = on_the_teacher(old, measure(teacher, options.held_out))
    print(taught)
    student = loop.student(teacher, loop.pseudo_labels(teacher))
    grown = loop.export(student, options.held_out)
    comparison = compare(old, read_card(grown).evaluations)
    text = comparison.markdown(running.name, "grown") + f"\n{taught}\n"
    write_atomically(loop.home / "comparison.json", comparison.to_json().encode())
    write_atomically(loop.home / "comparison.md", text.encode())
    print(text)
    if comparison.better:
        previous = options.student.with_suffix(".previous.onnx")
        write_atomically(previous, options.student.read_bytes())
        write_atomically(options.student, grown.read_bytes())
        print(f"{options.student} is the grown network now, {previous} the one before; ~/reload makes a node take it")
    else:
        print(f"{options.student} stays as it is; the grown network is {grown}")


def _card(path: Path) -> ModelCard:
    if path.suffix != ".onnx":
        raise ConfigurationError(f"--student {path}: the network that runs is a file *.onnx")
    try:
        return read_card(path)
    except NetworkError as error:
        raise ConfigurationError(str(error)) from error


def _check_held_out(trained_on: Sequence[str], held_out: Sequence[str]) -> None:
    """A network is no better for knowing the frames by heart."""
    for text in held_out:
        held = Source.parse(text, ".")
        for other in trained_on:
            source = Source.parse(other, ".")
            common = set(held.names) & set(source.names)
            if common and held.folder.root.resolve() == source.folder.root.resolve():
                raise ConfigurationError(
                    f"{text} is to be held out, but {len(common)} of its frames are in {other} too, e.g. {min(common)}"
                )


def _recipe(path: Path) -> dict[str, dict[str, Any]]:
    content = read_fields(path, "recipe")
    parts = {"both": GROUPS, "teacher": GROUPS, "student": GROUPS, "pseudo_labels": ("scales",)}
    if content.keys() - parts.keys():
        raise ConfigurationError(f"{path} is no recipe: it holds {', '.join(parts)}, see {RECIPE}")
    for part, values in content.items():
        if not isinstance(values, dict) or values.keys() - set(parts[part]):
            raise ConfigurationError(f"{path}: {part} holds {', '.join(parts[part])}, see {RECIPE}")
    return content

"""Measure the node on this machine and keep the figures: ``python -m bench``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import memory, overhead, results, startup, transport
from bench.camera import NoAnswerError
from bench.figure import Figure
from mtl_perception.argument_types import user_path
from mtl_perception.backends import NetworkError
from mtl_perception.network import read_card
from mtl_perception.share import model_path, use_shared_memory_profile

FIGURES: dict[str, Figure] = {
    "overhead": overhead.FIGURE,
    "transport": transport.FIGURE,
    "memory": memory.FIGURE,
    "startup": startup.FIGURE,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; 0 when every goal is met, 1 when one is missed, 2 when something could not be measured."""
    arguments = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args(arguments)
    use_shared_memory_profile()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    model = model_path(options.model)
    missed = []
    try:
        card = read_card(model)
        command = shlex.join(["python", "-m", "bench", *arguments])
        under = results.conditions(command, f"{card.name} at {card.input_width}x{card.input_height}")
        if under["load_average"] > 0.5:
            print(f"bench: the machine is busy (load average {under['load_average']}): times will be too long")
        options.out.mkdir(parents=True, exist_ok=True)
        for name in options.figures or FIGURES:
            figure = FIGURES[name]
            values = figure.measure(model, options.out)
            results.write_table(options.out, results.add(options.out, name, values, under), FIGURES)
            print(f"{figure.title}:")
            for row in figure.rows(values):
                print(f"  {row.what}: {row.value}" + (f" [{results.goal(row)}]" if row.goal else ""))
                if row.met is False:
                    missed.append(f"{row.what} is {row.value}, the goal is {row.goal}")
    except (NoAnswerError, NetworkError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(f"kept in {options.out / 'bench.md'} and bench.json")
    for goal in missed:
        print(f"bench: goal missed: {goal}", file=sys.stderr)
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the perception node on this machine. A figure takes from half a minute to five; figures "
        "measured before stay in the results, so they can be measured one at a time. Keep the machine idle meanwhile.",
        epilog="figures:\n" + "\n".join(f"  {name:<11}{figure.title}" for name, figure in FIGURES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("figures", nargs="*", type=_figure, metavar="FIGURE", help="what to measure (default: all)")
    parser.add_argument("--model", default="", help="network file, or the bare name of a shipped one (default: that)")
    parser.add_argument(
        "--out",
        type=user_path,
        default=Path("docs/results"),
        help="folder of bench.json and bench.md (default: %(default)s)",
    )
    return parser


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"there is no figure {name!r}; there are: {', '.join(FIGURES)}")
    return name


if __name__ == "__main__":
    sys.exit(main())

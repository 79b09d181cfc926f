"""The commands ``mtl-perception evaluate`` and ``compare``: arguments, and what is said when the work is done."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_perception.argument_types import MODEL_HELP, user_path
from mtl_perception.atomic_write import check_writable
from mtl_perception.evaluation.errors import EvaluationError
from mtl_perception.evaluation.limits import OVER, UNDER, Limit, names_of, parse_limit, verdicts
from mtl_perception.runtime_arguments import add_runtime_arguments, runtime_of

if TYPE_CHECKING:
    from mtl_perception.backends.choice import Runtime
    from mtl_perception.evaluation.live_part import LiveSource
    from mtl_perception.evaluation.measurement import Measurement, Recording
    from mtl_perception.network import Network

GOOD, WORSE, COULD_NOT, PARTIAL, INTERRUPTED = 0, 1, 2, 3, 130
_EXIT_CODES = """exit codes:
  0    measured, and every limit kept
  1    a limit is not kept
  2    could not: the recording, a network or an argument is unusable, or a limit is on a figure
       that was not measured
  3    the recording breaks off: what came before is measured and kept, and marked partial
  130  interrupted with Ctrl-C: what was measured is kept, and marked partial"""


def add_evaluation_commands(commands: argparse._SubParsersAction) -> None:
    """Add ``evaluate`` and ``compare``; each leaves what to call as ``command``: of the options, to the exit code.

    It may raise EvaluationError, DatasetError, NetworkError and OSError.
    """
    _add_evaluate(commands)
    _add_compare(commands)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a network on a recording of your own camera",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""Measure networks on every frame of a recording, without ROS: depth against a depth topic, classes
against a label topic or masks on disk; and, which needs no truth, how much they change from frame to frame
and how far they agree. Leaves report.html, metrics.json and frames.csv.""",
        epilog=f"""The recording is a rosbag2 (MCAP or SQLite, also split or compressed; a folder or a single file) or a
ROS 1 bag. Topics are found by their types where there is no doubt; where several could be meant they are
listed, to be named. docs/recording.md tells how to record a bag, docs/evaluation.md what every figure means.

limits, on the first network:
  {UNDER} FIGURE=LIMIT  where more is better:
      {", ".join(names_of(UNDER))}
  {OVER} FIGURE=LIMIT   where less is better:
      {", ".join(names_of(OVER))}

{_EXIT_CODES}""",
    )
    add_evaluate_arguments(parser)
    parser.add_argument(
        "--live",
        action="store_true",
        help="then play it in its own time through the real node, and measure rate, latency, processor and memory "
        "there (needs ROS; takes as long as the recording; a bag of ROS 1 cannot be played; --backend, --precision, "
        "--providers and --threads do not reach the node)",
    )
    parser.set_defaults(command=_evaluate)


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to evaluate, on what, against what: the arguments that ``evaluate`` takes."""
    parser.add_argument("bag", type=user_path, help="recording: a folder, or a file named .mcap, .db3 or .bag")
    parser.add_argument("--model", default="", help=MODEL_HELP)
    parser.add_argument("--against", nargs="+", default=(), metavar="MODEL", help="more networks, to compare with it")
    parser.add_argument("--out", type=user_path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--image", metavar="TOPIC", help="colour images")
    parser.add_argument("--camera-info", metavar="TOPIC", help="CameraInfo of the colour camera")
    parser.add_argument("--depth", metavar="TOPIC", help="true depth")
    parser.add_argument(
        "--labels",
        metavar="TOPIC|FOLDER",
        help="true classes: a topic; a data set folder, or FOLDER:NAME for one split or sequence of it; or a folder of "
        "masks named by stamp or number",
    )
    parser.add_argument(
        UNDER, type=partial(parse_limit, UNDER), action="append", default=[], metavar="FIGURE=LIMIT", help="see below"
    )
    parser.add_argument(
        OVER, type=partial(parse_limit, OVER), action="append", default=[], metavar="FIGURE=LIMIT", help="see below"
    )
    add_runtime_arguments(parser)


def _evaluate(options: argparse.Namespace) -> int:
    command = shlex.join(["mtl-perception", *sys.argv[1:]])
    if not options.live:
        return evaluate(options, command)
    from mtl_perception.evaluation.live import measure_live  # now: should ROS lack, that is to be said before the work

    return evaluate(options, command, measure_live)


def evaluate(options: argparse.Namespace, command: str, live: LiveSource | None = None) -> int:
    """Measure what the arguments say and write it down.

    Args:
        options: of ``add_evaluate_arguments``.
        command: that asked for it, to be told in the metrics.
        live: measures the node; None leaves that out.

    Returns:
        The exit code.

    Raises:
        EvaluationError, DatasetError, NetworkError, OSError: it could not be measured, or not live.
    """
    from mtl_perception.evaluation.frames_file import write_frames
    from mtl_perception.evaluation.measurement import Measurement
    from mtl_perception.evaluation.metrics_file import write_metrics
    from mtl_perception.recordings.errors import BagError

    check_writable(options.out)
    recording = recording_of(options)
    networks = _networks([options.model, *options.against], runtime_of(options))
    passed_over = [f"{name}: not run by {line}" for name, one in networks.items() for line in one.passed_over]
    measurement = Measurement(recording, networks, command)
    try:
        measurement.measure()
    except BagError as error:
        raise EvaluationError(str(error)) from error
    if not measurement.frames:
        return INTERRUPTED
    metrics = measurement.metrics()
    write_metrics(options.out / "metrics.json", metrics)
    write_frames(options.out / "frames.csv", {name: scores.frames for name, scores in measurement.scores.items()})
    not_live = None
    if live is not None:
        from mtl_perception.evaluation.live_part import add_live

        paths = {name: network.path for name, network in networks.items()}
        not_live = add_live(metrics, options.bag, paths, measurement.topics, live)
        write_metrics(options.out / "metrics.json", metrics)
    _write_report(options.out, measurement, metrics)
    _say(metrics, passed_over, options.out)
    if not_live is not None:
        raise EvaluationError(f"not measured live: {not_live}")
    return _exit_code(metrics, [*options.fail_under, *options.fail_over])


def recording_of(options: argparse.Namespace) -> Recording:
    """What the arguments of ``add_evaluate_arguments`` say of the recording."""
    from mtl_perception.evaluation.measurement import Recording

    return Recording(options.bag, options.image, options.camera_info, options.depth, options.labels)


def _write_report(out: Path, measurement: Measurement, metrics: Mapping[str, Any]) -> None:
    from mtl_perception.evaluation.report import write_report
    from mtl_perception.recordings.errors import BagError

    try:
        pictures = measurement.pictures()
    except BagError as error:  # it was there a moment ago
        print(f"mtl-perception: no pictures in report.html: {error}", file=sys.stderr)
        pictures = []
    write_report(out / "report.html", metrics, pictures, out / "frames.csv")


def _networks(models: Sequence[str], runtime: Runtime) -> dict[str, Network]:
    """The networks by names of their own: the file's, and a number where several have one name."""
    from mtl_perception.network import Network
    from mtl_perception.share import model_path

    found: dict[str, Network] = {}
    for model in models:
        path = model_path(model)
        name, number = path.stem, 1
        while name in found:
            number += 1
            name = f"{path.stem}-{number}"
        found[name] = Network(path, runtime)
    return found


def _say(metrics: Mapping[str, Any], passed_over: Sequence[str], out: Path) -> None:
    from mtl_perception.evaluation.named_figures import FIGURES

    bag = metrics["bag"]
    print(
        f"{bag['frames']} frames of {bag['topics']['image']} in {bag['name']}, {bag['with_depth']} with depth, "
        f"{bag['with_labels']} with labels"
    )
    for model in metrics["models"]:
        shown = ((figure, figure.of(model)) for figure in FIGURES)
        figures = ", ".join(f"{f.name} {value:.{f.decimals}f}" for f, value in shown if value is not None)
        print(f"  {model['name']}: {figures}")
    for line in passed_over:
        print(f"  {line}", file=sys.stderr)
    for reason, count in bag["skipped"].items():
        print(f"  {count} images skipped: {reason}", file=sys.stderr)
    for note in bag["notes"]:
        print(f"  note: {note}", file=sys.stderr)
    if metrics["stopped_by"] is not None:
        print(f"mtl-perception: partial: {metrics['stopped_by']}", file=sys.stderr)
    print(f"  in {out}: frames.csv, metrics.json, report.html")


def _exit_code(metrics: Mapping[str, Any], limits: Sequence[Limit]) -> int:
    found = verdicts(limits, metrics["models"][0])
    for verdict in found:
        print(f"mtl-perception: {verdict.text}", file=sys.stdout if verdict.met else sys.stderr)
    if not metrics["complete"]:
        from mtl_perception.evaluation.measurement import INTERRUPTED as BY_HAND

        return INTERRUPTED if metrics["stopped_by"] == BY_HAND else PARTIAL
    if any(verdict.met is None for verdict in found):
        return COULD_NOT
    return GOOD if all(verdict.met for verdict in found) else WORSE


def _add_compare(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "compare",
        help="two measurements side by side",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""Print the figures of two measurements side by side, with differences: of models of one name, or
else of the first of each. Figures that agree as printed are the same.""",
        epilog="""exit codes:
  0    no figure of accuracy or stability is worse in the second
  1    one is (times, and figures of single classes and distances, are shown and not judged)
  2    could not: a file is no metrics.json""",
    )
    parser.add_argument("before", type=user_path, metavar="A.json", help="metrics.json of the one")
    parser.add_argument("after", type=user_path, metavar="B.json", help="metrics.json of the other")
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    from mtl_perception.evaluation.comparison import as_text, compare
    from mtl_perception.evaluation.metrics_file import read_metrics

    found = compare(read_metrics(options.before), read_metrics(options.after))
    print("\n\n".join(as_text(comparison) for comparison in found))
    return WORSE if any(comparison.worse for comparison in found) else GOOD

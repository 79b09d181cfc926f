"""The commands ``mtl-perception dataset ...``: arguments, and what is said when the work is done."""

from __future__ import annotations

import argparse

from mtl_perception.argument_types import positive, user_path
from mtl_perception.dataset_folder import DatasetFolder

_FOLDER_HELP = "data set folder (it has a dataset.json)"


def add_dataset_commands(commands: argparse._SubParsersAction) -> None:
    """Add them; each leaves what to call as ``command``: of the options, to the exit code.

    It may raise DatasetError, BagError and OSError.
    """
    parser = commands.add_parser("dataset", help="look at a data set folder, mend it, join, label or replay it")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_info(commands)
    _add_check(commands)
    _add_merge(commands)
    _add_import_labels(commands)
    _add_export_bag(commands)


def _add_info(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "info",
        help="counts, coverage, sizes, time span; a contact sheet",
        description="Tell what a data set folder holds: frames by kind of label, split and run, how much of depth is "
        "known, how much is labelled and as what, sizes on disk, and the time it spans.",
    )
    parser.add_argument("folder", type=user_path, help=_FOLDER_HELP)
    parser.add_argument(
        "--sheet", type=user_path, metavar="FILE.png", help="also a picture of 12 frames: colour, depth and labels"
    )
    parser.set_defaults(command=_info)


def _info(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.contact_sheet import write_contact_sheet
    from mtl_perception.dataset_tools.summary import summarise
    from mtl_perception.dataset_tools.summary_text import summary_text

    folder = DatasetFolder(options.folder)
    count = write_contact_sheet(folder, options.sheet) if options.sheet else 0
    print(summary_text(folder, summarise(folder)))
    if count:
        print(f"{count} frames on {options.sheet}")
    return 0


def _add_check(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "check",
        help="find damaged files and an index that does not fit; with --repair mend them",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Look at every file and every line of the index. Changes nothing without --repair. Exit code 0 if "
        "the\nfolder is sound, 1 if anything is damaged.",
        epilog="""What is found is one of two:
  damaged    files that are torn, of a wrong size or kind, or with class ids that dataset.json does not
             name; lines of the index or names in dataset.json without their frames, or that make no sense
  left over  what a power cut leaves and nobody stumbles over: files of frames that were not finished or
             not yet removed, a torn last line of the index, whole frames that it lacks

--repair moves such files to quarantine/ and writes the index and the lists of dataset.json anew, so that
they name what is there; what they were is kept in quarantine/ too. Nothing is deleted, no whole frame is
given up, and a run that a logger is writing is left alone.""",
    )
    parser.add_argument("folder", type=user_path, help=_FOLDER_HELP)
    parser.add_argument("--repair", action="store_true", help="mend what is found")
    parser.set_defaults(command=_check)


def _check(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.repair import repair
    from mtl_perception.dataset_tools.survey import survey

    found = survey(options.folder)
    for finding in sorted(found.findings, key=lambda f: (not f.is_damage, f.where)):
        print(f"{'damaged  ' if finding.is_damage else 'left over'}  {finding.where}: {finding.what}")
    for run in sorted(found.busy):
        print(f"run {run} is being written: left alone")
    damaged = sum(finding.is_damage for finding in found.findings)
    print(f"{len(found.frames)} whole frames, {damaged} damaged, {len(found.findings) - damaged} left over")
    if not options.repair:
        return int(found.is_damaged)
    for line in repair(found):
        print(line)
    return 0


def _add_export_bag(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "export-bag",
        help="as a rosbag2, at the times the frames were taken",
        description="Write colour, depth and camera info as one MCAP file that `mtl-perception replay` and "
        "`ros2 bag play` play. Stamps are those of the index, where the logger wrote one.",
    )
    parser.add_argument("folder", type=user_path, help=_FOLDER_HELP)
    parser.add_argument("out", type=user_path, help="file to write, named .mcap")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--run", help="only this run of the logger")
    which.add_argument("--sequence", help="only this sequence")
    which.add_argument("--split", help="only this split")
    parser.add_argument(
        "--rate",
        type=positive,
        help="frames a second, in place of the index's times (without either: the folder's own, else 10)",
    )
    parser.add_argument("--raw", action="store_true", help="uncompressed images")
    parser.set_defaults(command=_export_bag)


def _export_bag(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.export_bag import chosen_frames, export_bag

    folder = DatasetFolder(options.folder)
    names = chosen_frames(folder, options.sequence, options.split, options.run)
    when = export_bag(folder, names, options.out, rate=options.rate, raw=options.raw)
    print(f"{len(names)} frames {when}, in {options.out} ({options.out.stat().st_size / 1e6:.1f} MB)")
    return 0


def _add_merge(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "merge",
        help="several folders into one",
        description="Make one data set folder of several, which stay as they are. Sizes, intrinsics, depth units and "
        "class names must agree. Licences and sources are joined, and so are splits of one name; frames, runs and "
        "sequences whose names are taken get their folder's name before theirs. Files are hard links where the disk "
        "allows, so the new folder takes hardly any room. An interrupted merge goes on when called again. A teacher's "
        "labels, replaced/ and quarantine/ are not taken along.",
    )
    parser.add_argument("folders", type=user_path, nargs="+", metavar="FOLDER", help=_FOLDER_HELP)
    parser.add_argument("--out", type=user_path, required=True, help="folder to make")
    parser.set_defaults(command=_merge)


def _merge(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.merge import merge

    info = merge(options.folders, options.out)
    print(f"{len(DatasetFolder(options.out).names())} frames of {len(options.folders)} folders in {options.out}")
    print(f"  licence {info.licence}")
    return 0


def _add_import_labels(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "import-labels",
        help="from CVAT, Label Studio or any tool that writes masks or COCO",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Take labels made with a labelling tool as the semantic labels of the frames of the same names.",
        epilog="""what SOURCE can be, a folder or the zip archive as exported:
  CVAT "Segmentation mask 1.1"        masks in colours, with its labelmap.txt
  CVAT "COCO 1.0"                     polygons and brush masks
  Label Studio "COCO"                 polygons (its JSON file alone will do)
  Label Studio "Brush labels to PNG"  give its export JSON or JSON-MIN too, with --tasks
  masks NAME.png                      values (of a palette PNG its indices) are class ids,
                                      or colours, with --colours

Where regions overlap the smaller covers the larger. Classes go by their names. What is not labelled
stays 0. Nothing is written if any label is damaged, of another size or of an unknown class.""",
    )
    parser.add_argument("folder", type=user_path, help=_FOLDER_HELP)
    parser.add_argument("source", type=user_path, help="folder, zip archive or COCO file with the labels")
    parser.add_argument(
        "--colours", type=user_path, metavar="FILE", help="what a mask's colours mean: lines NAME:R,G,B::"
    )
    parser.add_argument("--tasks", type=user_path, metavar="FILE", help="Label Studio's export JSON or JSON-MIN")
    parser.add_argument("--add-classes", action="store_true", help="give classes dataset.json does not name new ids")
    parser.add_argument(
        "--replace", action="store_true", help="write over other labels, which are kept in replaced/ (default: skip)"
    )
    parser.set_defaults(command=_import_labels)


def _import_labels(options: argparse.Namespace) -> int:
    from mtl_perception.dataset_tools.import_labels import import_labels, open_labels

    folder = DatasetFolder(options.folder)
    source, frames = open_labels(folder, options.source, colours=options.colours, tasks=options.tasks)
    done = import_labels(folder, source, frames, add_classes=options.add_classes, replace=options.replace)
    print(f"{done.written} frames labelled in {folder.root}")
    for class_id, name in done.added_classes.items():
        print(f"  new class {class_id}: {name}")
    if done.replaced:
        print(f"  {done.replaced} had other labels, now in {folder.root / 'replaced'}")
    if done.kept:
        print(f"  {done.kept} more have other labels and were left as they are: --replace takes the new ones")
    if done.equal:
        print(f"  {done.equal} more had these labels already")
    if done.empty:
        print(f"  {done.empty} pictures have no labels and were left out")
    if done.unknown:
        some = ", ".join(done.unknown[:5]) + (", ..." if len(done.unknown) > 5 else "")
        print(f"  {len(done.unknown)} pictures show no frame of the folder and were left out: {some}")
    for note in done.notes:
        print(f"  {note}")
    return 0

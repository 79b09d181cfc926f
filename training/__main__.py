"""``python -m training COMMAND``: everything that happens offline."""

from __future__ import annotations

import importlib
import sys

from mtl_perception.dataset_folder import DatasetError

USAGE = """\
usage: python -m training COMMAND ...

Train, measure and export the perception network. Each command explains itself: COMMAND --help

  rooms      render furnished rooms with exact labels into a data set folder
  prepare    turn the official files of NYU Depth v2 or Cityscapes into a data set folder
  budget     draw which frames keep which label, to train as if labels were scarce
  degrade    copy a data set as if a worse sensor had measured its depth, or its poses were worse
  fit        train on data set folders; checkpoints and logs in runs/NAME
  pseudo-label
             let a trained teacher label the frames that have no label
  reproject-labels
             let labelled frames label others that see the same place, by depth and poses
  evaluate   measure a checkpoint or an exported network on a data set folder
  grow       make a better network of what a robot logged, and replace the old one if it is better
  family     train students of many sizes, and set accuracy beside time
  reproduce  train every row of the paper's tables and set ours beside them
  reproduce toy
             the paper's toy example: learn two functions, in many settings; needs no data
  transferability
             before training: what labels and single-task networks say of which task helps which
  affinity   train teachers and students of any tasks, and tell which task helps which
  limits     where pseudo-labels stop helping: worse depth or poses, the threshold, ever fewer labels
  export     turn a checkpoint into one network file (ONNX) for the robot
  compare-labels
             mIoU and time by the resolution at which an export decides the class

From nothing to a network on the robot:

  python -m training rooms data/rooms
  python -m training fit --data.train '[rooms:train]' --data.root data --model.pretrained package --name first
  python -m training evaluate runs/first/last.ckpt data/rooms --split val
  python -m training export runs/first/last.ckpt models/first.onnx --frames data/rooms:val
  mtl-perception demo --model models/first.onnx
"""

# A command's module is imported when it runs: rendering needs no torch, and --help should be quick.
COMMANDS = {
    "rooms": "training.rooms.command",
    "prepare": "training.prepare.command",
    "budget": "training.budget",
    "degrade": "training.degrade.command",
    "fit": "training.fit",
    "pseudo-label": "training.pseudo_labels.command",
    "reproject-labels": "training.reprojection.command",
    "evaluate": "training.evaluate",
    "grow": "training.grow.command",
    "family": "training.family.command",
    "reproduce": "training.reproduce.command",
    "reproduce toy": "training.toy.command",  # It has networks, data and a table of its own.
    "transferability": "training.transferability.command",
    "affinity": "training.affinity.command",
    "limits": "training.limits.command",
    "export": "training.export.command",
    "compare-labels": "training.export.label_resolution",
}

INTERRUPTED = "what is written is whole, and the same command goes on from it, or says how"


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 after one line that says what was wrong, or 130 after Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    words = 2 if " ".join(arguments[:2]) in COMMANDS else 1
    name, rest = " ".join(arguments[:words]), arguments[words:]
    if name not in COMMANDS:
        print(f"error: unknown command {name!r}; commands: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    from training.errors import ConfigurationError

    try:
        return importlib.import_module(COMMANDS[name]).main(rest) or 0
    except (ConfigurationError, DatasetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # A full disk, a folder that cannot be written to.
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror or error}{where}; {INTERRUPTED}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, SystemExit) as end:
        # Lightning catches Ctrl-C in a training, and exits.
        if not isinstance(end, KeyboardInterrupt) and not isinstance(end.__context__, KeyboardInterrupt):
            raise
        print(f"{name}: stopped; {INTERRUPTED}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

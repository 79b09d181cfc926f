"""Labels made with an ordinary labelling tool, as the semantic labels of a data set folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from mtl_perception.atomic_write import write_atomically
from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_lock import locked_dataset_json
from mtl_perception.dataset_tools.coco_labels import CocoLabels, is_coco
from mtl_perception.dataset_tools.dataset_json import change_dataset_json
from mtl_perception.dataset_tools.export_files import ExportFiles, parse_json
from mtl_perception.dataset_tools.label_source import LabelSource, frames_of
from mtl_perception.dataset_tools.label_studio_labels import BrushLabels, brush_files
from mtl_perception.dataset_tools.mask_labels import CLASS_FOLDER, MaskLabels, mask_files
from mtl_perception.dataset_tools.set_aside import keep_copy

REPLACED_FOLDER = "replaced"
_LAST_CLASS = 254


@dataclass(frozen=True)
class ImportSummary:
    """What an import did, in frames.

    Attributes:
        written: got labels, or others than they had.
        replaced: those of ``written`` whose old labels went to ``replaced/``.
        kept: have other labels already and were left alone.
        equal: have these very labels already.
        empty: pictures of the export in which nothing is labelled.
        unknown: pictures of the export that show no frame of the folder.
        added_classes: id to name.
        notes: what else was left out.
    """

    written: int
    replaced: int
    kept: int
    equal: int
    empty: int
    unknown: tuple[str, ...]
    added_classes: Mapping[int, str]
    notes: tuple[str, ...]


def open_labels(
    folder: DatasetFolder, path: Path, *, colours: Path | None = None, tasks: Path | None = None
) -> tuple[LabelSource, Mapping[str, str]]:
    """The labels of an export, and which frame each of its pictures shows.

    Args:
        folder: where the labels are to go.
        path: folder or zip archive of masks or of COCO files, or one COCO file.
        colours: a label map, see ``MaskLabels``.
        tasks: Label Studio's list of tasks, see ``BrushLabels``.

    Raises:
        DatasetError: the export is missing, damaged, or of no kind known.
    """
    files = ExportFiles(path)
    names = frozenset(folder.names())
    if brush_files(files):
        if tasks is None:
            raise DatasetError(
                f"{path} does not tell which pictures its tasks show: also export JSON or JSON-MIN from Label Studio, "
                "and give it with --tasks"
            )
        try:
            document = parse_json(tasks.read_bytes(), tasks)
        except OSError as error:
            raise DatasetError(f"cannot read {tasks}: {error.strerror}") from error
        source = BrushLabels(files, document, tasks, names, folder.info.classes.values())
        return source, frames_of(source.pictures, names, anywhere=True)
    if colours is None and not any(CLASS_FOLDER in name.split("/") for name in files.names):
        documents = [(files.where(n), files.read_json(n)) for n in files.names if n.lower().endswith(".json")]
        coco = [(where, document) for where, document in documents if is_coco(document)]
        if coco:
            source = CocoLabels(coco)
            return source, frames_of(source.pictures, names, anywhere=source.names_pictures_by_place)
    if not mask_files(files):
        raise DatasetError(f"{path} holds neither masks (.png) nor labels in COCO's format (.json)")
    masks = MaskLabels(files, folder.info.classes, colours)
    return masks, frames_of(masks.pictures, names)


def import_labels(
    folder: DatasetFolder,
    source: LabelSource,
    frames: Mapping[str, str],
    *,
    add_classes: bool = False,
    replace: bool = False,
) -> ImportSummary:
    """Write labels as ``semantic/NAME.png``. Nothing is written before all labels are found to be sound.

    Args:
        folder: where to.
        source: the labels.
        frames: the frame that each picture of ``source`` shows.
        add_classes: give classes that dataset.json does not name the next free ids; else they are refused.
        replace: write also where other labels are; these are kept in ``replaced/semantic``.

    Raises:
        DatasetError: labels are damaged or of another size, no picture shows a frame, a class is not known, or ids
            have come to mean other classes since the folder was opened.
    """
    if not frames:
        shown = f", such as {source.pictures[0]!r}," if source.pictures else ""
        raise DatasetError(f"none of the {len(source.pictures)} pictures{shown} is a frame of {folder.root}")
    used: set[int] = set()
    for picture in tqdm(frames, desc="checking labels", unit="frame", disable=None):
        used.update(np.unique(source.read(picture, folder.info)).tolist())
    names = [source.names[code - 1] for code in sorted(used - {0})]
    classes, added = _classes(folder, names, add_classes)
    id_of = {name: i for i, name in classes.items()}
    table = np.array([0, *(id_of.get(name, 0) for name in source.names)], np.uint8)
    counts = dict.fromkeys(("new", "replaced", "kept", "equal", "empty"), 0)
    for picture, name in tqdm(frames.items(), desc="writing labels", unit="frame", disable=None):
        counts[_write(folder, name, table[source.read(picture, folder.info)], replace)] += 1
    return ImportSummary(
        counts["new"] + counts["replaced"],
        counts["replaced"],
        counts["kept"],
        counts["equal"],
        counts["empty"],
        tuple(picture for picture in source.pictures if picture not in frames),
        added,
        tuple(source.notes),
    )


def _classes(folder: DatasetFolder, names: Sequence[str], add: bool) -> tuple[Mapping[int, str], dict[int, str]]:
    """Id to name of classes of which ``names`` all are, and of these the ones that were added to dataset.json."""
    path, known = folder.root / "dataset.json", folder.info.classes
    unknown = [name for name in names if name not in known.values()]
    if not unknown:
        return known, {}
    if not add:
        raise DatasetError(
            f"{path} names no class {', '.join(map(repr, unknown))}; it names: "
            f"{', '.join(known.values()) or 'none'}. Rename the labels, or add them with --add-classes"
        )
    with locked_dataset_json(folder.root):
        # Reading labels takes long, and another import may have added classes meanwhile: the ids go on after its.
        now = DatasetFolder(folder.root).info.classes
        for i, name in known.items():  # by which the labels were read
            if now.get(i) != name:
                other = f"is {now[i]!r}" if i in now else "is gone"
                raise DatasetError(f"{path} changed: class {i} was {name!r} and now {other}; import the labels again")
        unknown = [name for name in unknown if name not in now.values()]
        first = max(now, default=0) + 1
        if first + len(unknown) - 1 > _LAST_CLASS:
            raise DatasetError(f"{len(unknown)} more classes would take ids beyond {_LAST_CLASS}")
        added = dict(enumerate(unknown, start=first))
        classes = {**now, **added}
        if added:  # before any label has their ids
            change_dataset_json(folder.root, {"classes": {str(i): name for i, name in classes.items()}})
    return classes, added


def _write(folder: DatasetFolder, name: str, labels: np.ndarray, replace: bool) -> str:
    """Write the labels of one frame, if that is to be done; what was done, one of ``ImportSummary``'s counts."""
    if not labels.any():
        return "empty"
    path = folder.path("semantic", name)
    done = "new"
    if path.exists():
        if _is_equal(folder, name, labels):
            return "equal"
        if not replace:
            return "kept"
        keep_copy(folder.root, REPLACED_FOLDER, path)
        done = "replaced"
    _, data = cv2.imencode(".png", labels)
    write_atomically(path, data.tobytes())
    return done


def _is_equal(folder: DatasetFolder, name: str, labels: np.ndarray) -> bool:
    try:
        return np.array_equal(folder.read_semantic(name), labels)
    except DatasetError:  # what is there is damaged
        return False

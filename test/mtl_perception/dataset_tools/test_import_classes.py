"""Classes that imported labels bring: known, added, or refused; also while others add theirs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
from imported_labels import files, run
from labelling_exports import (
    NAMES,
    cvat_masks,
    png,
    write_zip,
)
from noise_folder import HEIGHT, WIDTH, write_dataset

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_lock import locked_dataset_json
from mtl_perception.dataset_tools.dataset_json import change_dataset_json
from mtl_perception.dataset_tools.import_labels import import_labels, open_labels


def test_unknown_classes_are_refused_or_added(tmp_path, maps, capsys):
    folder = write_dataset(tmp_path / "set", classes={7: "floor"})
    document = json.loads((folder.root / "dataset.json").read_text())
    (folder.root / "dataset.json").write_text(json.dumps({**document, "ours": [1, 2]}))
    before = files(folder)
    source = write_zip(tmp_path / "a.zip", cvat_masks(maps))
    assert run(folder, source) == 2
    err = capsys.readouterr().err
    assert "names no class 'wall', 'odd / thing'; it names: floor" in err and "--add-classes" in err
    assert files(folder) == before

    assert run(folder, source, "--add-classes") == 0
    folder = DatasetFolder(folder.root)
    assert folder.info.classes == {7: "floor", 8: "wall", 9: "odd / thing"}
    np.testing.assert_array_equal(folder.read_semantic("a0"), np.array([0, 8, 7, 9])[maps["a0"]])
    after = json.loads((folder.root / "dataset.json").read_text())
    assert after.pop("classes") and {**after, "classes": None} == {**document, "ours": [1, 2], "classes": None}
    assert "new class 8: wall" in capsys.readouterr().out


def mask_of(tmp_path, frame: str, label: str):
    """An export that shows all of ``frame`` as ``label``."""
    exported = {f"{frame}.png": png(np.full((HEIGHT, WIDTH, 3), 9, np.uint8)), "labelmap.txt": f"{label}:9,9,9::"}
    return write_zip(tmp_path / f"{frame}-{label}.zip", exported)


def opened(folder: DatasetFolder, source):
    """What ``import_labels`` takes, of the folder as it is now."""
    folder = DatasetFolder(folder.root)
    return folder, *open_labels(folder, source)


def test_classes_that_another_import_added_meanwhile_keep_their_ids(tmp_path):
    folder = write_dataset(tmp_path / "set", classes={1: "wall"})
    sources = [mask_of(tmp_path, frame, label) for frame, label in (("a0", "sofa"), ("a1", "lamp"), ("a2", "sofa"))]
    imports = [opened(folder, source) for source in sources]  # all have looked before the first writes
    added = [import_labels(*one, add_classes=True).added_classes for one in imports]
    assert added == [{2: "sofa"}, {3: "lamp"}, {}]
    folder = DatasetFolder(folder.root)
    assert folder.info.classes == {1: "wall", 2: "sofa", 3: "lamp"}
    assert [int(folder.read_semantic(name).max()) for name in ("a0", "a1", "a2")] == [2, 3, 2]


def test_classes_that_came_to_mean_something_else_meanwhile_are_told(tmp_path):
    folder = write_dataset(tmp_path / "set", classes={1: "wall"})
    one = opened(folder, mask_of(tmp_path, "a0", "sofa"))
    path = folder.root / "dataset.json"
    for classes, complaint in (({"1": "door"}, "now is 'door'"), ({}, "now is gone")):
        path.write_text(json.dumps({**json.loads(path.read_text()), "classes": classes}))
        before = {"index/.lock": b"", **files(folder)}
        with pytest.raises(DatasetError, match=f"dataset.json changed: class 1 was 'wall' and {complaint}; import"):
            import_labels(*one, add_classes=True)
        assert files(folder) == before


def test_an_import_waits_for_who_is_changing_the_classes(tmp_path):
    folder = write_dataset(tmp_path / "set", classes={1: "wall"})
    one = opened(folder, mask_of(tmp_path, "a0", "sofa"))
    with ThreadPoolExecutor() as pool:
        with locked_dataset_json(folder.root):
            waiting = pool.submit(import_labels, *one, add_classes=True)
            assert not wait([waiting], timeout=0.5).done
            assert DatasetFolder(folder.root).info.classes == {1: "wall"}
            change_dataset_json(folder.root, {"classes": {"1": "wall", "2": "lamp"}})
        assert waiting.result(30).added_classes == {3: "sofa"}
    assert DatasetFolder(folder.root).info.classes == {1: "wall", 2: "lamp", 3: "sofa"}


def test_classes_that_no_picture_uses_need_no_name(tmp_path, maps):
    folder = write_dataset(tmp_path / "set", classes={1: "wall"})
    source = write_zip(tmp_path / "a.zip", cvat_masks({name: codes % 2 for name, codes in maps.items()}))
    assert run(folder, source) == 0


def test_there_are_only_so_many_ids(tmp_path, maps, capsys):
    folder = write_dataset(tmp_path / "set", classes={253: "floor"})
    assert run(folder, write_zip(tmp_path / "a.zip", cvat_masks(maps)), "--add-classes") == 2
    assert "2 more classes would take ids beyond 254" in capsys.readouterr().err


def test_a_class_called_background_is_a_class(tmp_path, maps):
    folder = write_dataset(tmp_path / "set", classes=dict(enumerate(NAMES, start=1)))
    assert run(folder, write_zip(tmp_path / "a.zip", cvat_masks(maps))) == 0
    np.testing.assert_array_equal(folder.read_semantic("a0"), maps["a0"] + 1)

"""Labels exported by CVAT and Label Studio come back pixel for pixel; what is wrong is named and writes nothing."""

from __future__ import annotations

import json
import shutil
import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from imported_labels import files, run
from labelling_exports import (
    NAMES,
    brush_pngs,
    coco,
    cvat_masks,
    palette_png,
    png,
    write_folder,
    write_zip,
)
from noise_folder import HEIGHT, WIDTH, write_dataset

from mtl_perception.dataset_folder import DatasetError, DatasetFolder
from mtl_perception.dataset_tools import export_files
from mtl_perception.dataset_tools.export_files import ExportFiles
from mtl_perception.dataset_tools.mask_labels import MaskLabels

CLASSES = {4: "floor", 9: "odd / thing", 2: "wall"}
IDS = np.array([0, 2, 4, 9], np.uint8)
"""Id of each of ``NAMES`` in the data set."""

label_maps = arrays(np.uint8, (HEIGHT, WIDTH), elements=st.integers(0, 3)).filter(np.any)


@pytest.fixture
def labelled(tmp_path) -> DatasetFolder:
    """Four frames without labels, ``a0`` to ``a3``, and classes of which ids and order are not the export's."""
    return write_dataset(tmp_path / "set", classes=CLASSES)


def labels(folder: DatasetFolder) -> dict[str, np.ndarray]:
    return {name: folder.read_semantic(name) for name in folder.names() if folder.has("semantic", name)}


def check_equal(folder: DatasetFolder, maps) -> None:
    found = labels(folder)
    assert found.keys() == maps.keys()
    for name, codes in maps.items():
        np.testing.assert_array_equal(found[name], IDS[codes])


# Every format


def cvat_coco(maps) -> dict:
    return {"annotations/instances_default.json": json.dumps(coco(maps, "counts", "rgb/{}.jpg"))}


def label_studio_coco(maps) -> dict:
    # From version 1.16 on pictures are named by where its server keeps them.
    place = "..\\..\\label-studio\\media\\upload\\4\\cb0618f6-{}.png"
    return {"result.json": json.dumps(coco(maps, "text", place, contributor="Label Studio"))}


@pytest.mark.parametrize("write", [write_zip, write_folder])
@pytest.mark.parametrize("export", [cvat_masks, cvat_coco, label_studio_coco])
def test_an_export_comes_back_pixel_for_pixel(tmp_path, labelled, maps, capsys, write, export):
    before = files(labelled)
    assert run(labelled, write(tmp_path / "export.zip", export(maps))) == 0
    check_equal(labelled, maps)
    assert {name: data for name, data in files(labelled).items() if not name.startswith("semantic")} == before
    assert capsys.readouterr().out.startswith(f"2 frames labelled in {labelled.root}\n")


@pytest.mark.parametrize("which", [1, 2])
def test_label_studios_brush_comes_back_pixel_for_pixel(tmp_path, labelled, maps, which):
    exported = brush_pngs(maps)
    (tmp_path / "tasks.json").write_text(exported[which])
    source = write_zip(tmp_path / "brush.zip", exported[0])
    assert run(labelled, source, "--tasks", tmp_path / "tasks.json") == 0
    check_equal(labelled, maps)


def test_a_coco_file_alone_will_do(tmp_path, labelled, maps):
    (tmp_path / "result.json").write_text(json.dumps(coco(maps, "text", "images/0a1b2c3d-{}.jpg")))
    assert run(labelled, tmp_path / "result.json") == 0
    check_equal(labelled, maps)


def test_masks_of_class_ids_and_of_palettes_come_back(tmp_path, labelled, maps):
    ids = {name: IDS[codes] for name, codes in maps.items()}
    ids["a0"] = ids["a0"].copy()
    palette = np.random.default_rng(1).permutation(256 * 3) % 256
    palette[::3] = np.arange(256)  # no colour twice
    source = write_folder(
        tmp_path / "masks",
        {"a0.png": png(ids["a0"].astype(np.uint16)), "deep/a2.png": palette_png(ids["a2"], palette.tolist())},
    )
    assert run(labelled, source) == 0
    check_equal(labelled, maps)


def test_colours_of_a_file_of_ones_own(tmp_path, labelled, maps):
    exported = cvat_masks(maps)
    (tmp_path / "mine.txt").write_text(exported.pop("labelmap.txt"))
    source = write_folder(tmp_path / "masks", {f"{n}.png": exported[f"SegmentationClass/{n}.png"] for n in maps})
    assert run(labelled, source, "--colours", tmp_path / "mine.txt") == 0
    check_equal(labelled, maps)


def test_labels_without_colours_have_those_of_pascal_voc(tmp_path, labelled, maps):
    colors = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)], np.uint8)  # as published
    exported = {f"SegmentationClass/{n}.png": png(colors[codes][..., ::-1]) for n, codes in maps.items()}
    exported["labelmap.txt"] = "".join(f"{name}:::\n" for name in NAMES)
    assert run(labelled, write_zip(tmp_path / "a.zip", exported)) == 0
    check_equal(labelled, maps)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(codes=label_maps, export=st.sampled_from([cvat_masks, cvat_coco, label_studio_coco]))
def test_whatever_is_painted_comes_back(tmp_path_factory, labelled, codes, export):
    shutil.rmtree(labelled.root / "semantic", ignore_errors=True)
    source = write_zip(tmp_path_factory.mktemp("export") / "e.zip", export({"a1": codes}))
    assert run(labelled, source) == 0
    np.testing.assert_array_equal(labelled.read_semantic("a1"), IDS[codes])


def test_polygons_are_filled(tmp_path, labelled):
    document = coco({"a0": np.zeros((HEIGHT, WIDTH), np.uint8)}, "text")
    wall = [[0, 0, WIDTH, 0, WIDTH, 10, 0, 10], [0, 20, 4, 20, 4, HEIGHT, 0, HEIGHT]]
    thing = [[2, 2, 6, 2, 6, 5, 2, 5]]
    for number, (category, polygons) in enumerate([(3, thing), (1, wall)]):
        document["annotations"].append(
            {"id": number, "image_id": 1, "category_id": category, "segmentation": polygons, "iscrowd": 0}
        )
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert run(labelled, tmp_path / "a.json") == 0
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[:10] = expected[20:, :4] = 2
    expected[2:5, 2:6] = 9  # the smaller on the larger
    np.testing.assert_array_equal(labelled.read_semantic("a0"), expected)


# What is told, kept and added


def test_pictures_of_other_frames_without_labels_and_boxes_are_told_and_left_out(tmp_path, labelled, maps, capsys):
    maps = {**maps, "a1": np.zeros((HEIGHT, WIDTH), np.uint8), "b7": maps["a0"]}
    document = coco(maps, "text")
    document["annotations"].append(
        {"id": 99, "image_id": 1, "category_id": 1, "segmentation": [], "bbox": [1, 1, 5, 5]}
    )
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert run(labelled, tmp_path / "a.json") == 0
    out = capsys.readouterr().out
    assert "2 frames labelled" in out and "1 pictures have no labels" in out
    assert "1 pictures show no frame of the folder and were left out: b7.jpg" in out
    assert "1 boxes without a mask were left out" in out
    assert labels(labelled).keys() == {"a0", "a2"}


def test_labels_that_are_there_are_kept_until_replaced(tmp_path, labelled, maps, capsys):
    assert run(labelled, write_zip(tmp_path / "a.zip", cvat_masks(maps))) == 0
    first = files(labelled)
    changed = {"a0": maps["a0"], "a2": np.full((HEIGHT, WIDTH), 1, np.uint8)}
    second = write_zip(tmp_path / "b.zip", cvat_masks(changed))
    capsys.readouterr()
    assert run(labelled, second) == 0
    assert files(labelled) == first
    out = capsys.readouterr().out
    assert "0 frames labelled" in out and "1 more have other labels" in out and "1 more had these labels" in out

    assert run(labelled, second, "--replace") == 0
    check_equal(labelled, changed)
    assert files(labelled)["replaced/semantic/a2.png"] == first["semantic/a2.png"]
    assert "1 had other labels, now in" in capsys.readouterr().out

    third = write_zip(tmp_path / "c.zip", cvat_masks(maps))
    assert run(labelled, third, "--replace") == 0
    check_equal(labelled, maps)
    assert {n for n in files(labelled) if n.startswith("replaced")} == {
        "replaced/semantic/a2.png",
        "replaced/semantic/a2.1.png",
    }


def test_damaged_labels_are_replaced_too(tmp_path, labelled, maps):
    write_folder(labelled.root, {"semantic/a0.png": b"torn"})
    assert run(labelled, write_zip(tmp_path / "a.zip", cvat_masks(maps)), "--replace") == 0
    check_equal(labelled, maps)
    assert files(labelled)["replaced/semantic/a0.png"] == b"torn"


def test_the_latest_annotation_of_a_task_counts(tmp_path, labelled, maps, capsys):
    pngs, tasks, _ = brush_pngs(maps)
    old = "task-17-annotation-2-by-1-brush-tag-wall-0.png"
    pngs[old] = png(np.full((HEIGHT, WIDTH), 255, np.uint8))
    (tmp_path / "tasks.json").write_text(tasks)
    assert run(labelled, write_zip(tmp_path / "a.zip", pngs), "--tasks", tmp_path / "tasks.json") == 0
    check_equal(labelled, maps)
    assert "1 regions of earlier annotations" in capsys.readouterr().out


# What is refused


def changed_coco(**changes):
    def source(root, maps):
        document = coco(maps, "counts")
        for path, value in changes.items():
            target = document
            *keys, last = [int(k) if k.isdigit() else k for k in path.split("__")]
            for key in keys:
                target = target[key]
            target[last] = value
        (root / "bad.json").write_text(json.dumps(document))
        return root / "bad.json"

    return source


def changed_masks(**changes):
    def source(root, maps):
        exported = cvat_masks(maps)
        exported.update({name.replace("__", "/").replace("_dot_", "."): data for name, data in changes.items()})
        return write_zip(root / "bad.zip", exported)

    return source


def written(name, data):
    def source(root, maps):
        (root / name).write_bytes(data)
        return root / name

    return source


def zipped(**members):
    return lambda root, maps: write_zip(
        root / "bad.zip", {name.replace("_dot_", ".").replace("__", "/"): data for name, data in members.items()}
    )


def climbing_zip(root, maps):
    return write_zip(root / "bad.zip", {**cvat_masks(maps), "../../set/rgb/a0.jpg": b"x"})


def absolute_zip(root, maps):
    return write_zip(root / "bad.zip", {**cvat_masks(maps), "/etc/cron.d/a0.png": b"x"})


def encrypted_zip(root, maps):
    path = write_zip(root / "bad.zip", {"a0.png": png(maps["a0"])})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    path.write_bytes(data)
    return path


def damaged_zip(root, maps):
    path = write_zip(root / "bad.zip", {"a0.png": png(maps["a0"])})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_damaged_anywhere_in_an_archive_is_named(tmp_path, packing):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a0.png", bytes(range(100)) * 5)
        start = archive.fp.tell() - archive.getinfo("a0.png").compress_size
    whole = path.read_bytes()
    refused = 0
    for at in range(start, start + 40, 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert ExportFiles(path).read("a0.png") == bytes(range(100)) * 5
        except DatasetError as error:
            refused += 1
            assert "export.zip/a0.png: " in str(error) and "None" not in str(error)
    assert refused > 5


SMALL = png(np.zeros((8, 8, 3), np.uint8))
PINK = png(np.full((HEIGHT, WIDTH, 3), 200, np.uint8))
TORN = png(np.random.default_rng(0).integers(0, 4, (HEIGHT, WIDTH, 3), np.uint8))[:100]
IDS_OF_NOBODY = png(np.full((HEIGHT, WIDTH), 77, np.uint8))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda root, maps: root / "none.zip", "there is no file or folder"),
        (written("bad.txt", b"hello"), "bad.txt is no folder, zip archive or JSON file"),
        (written("bad.zip", b"PK\x03\x04 no"), "bad.zip is no folder, zip archive or JSON file"),
        (zipped(notes_dot_txt=b"hello"), "holds neither masks (.png) nor labels in COCO's format"),
        (written("bad.json", b"[1, 2"), "bad.json is not JSON"),
        (written("bad.json", b"[" * 100_000), "bad.json is not JSON"),
        (written("bad.json", b"\xff\xfe"), "bad.json is not JSON"),
        (written("bad.json", b"[]"), "holds neither masks"),
        (climbing_zip, "'../../set/rgb/a0.jpg' in it leads out of the archive"),
        (absolute_zip, "'/etc/cron.d/a0.png' in it leads out"),
        (encrypted_zip, "password required"),
        (damaged_zip, "cannot read"),
        (changed_masks(SegmentationClass__a0_dot_png=SMALL), "a0.png is 8x8, the set is 32x24"),
        (changed_masks(SegmentationClass__a2_dot_png=PINK), "no label has the colour (200, 200, 200)"),
        (changed_masks(SegmentationClass__a2_dot_png=TORN), "a2.png: PNG of 100 bytes is cut off or damaged"),
        (changed_masks(SegmentationClass__a2_dot_png=b""), "a2.png: picture of 0 bytes"),
        (changed_masks(SegmentationClass__x__a2_dot_png=PINK), "frame a2 is labelled twice"),
        (changed_masks(labelmap_dot_txt="wall:1,2::"), "labelmap.txt, line 1: it is not NAME:RED,GREEN,BLUE"),
        (changed_masks(labelmap_dot_txt="wall:1,2,256::"), "line 1: it is not NAME"),
        (changed_masks(labelmap_dot_txt="wall"), "line 1: it is not NAME"),
        (changed_masks(labelmap_dot_txt="floor:::\nwall:250,50,83::"), "no label has the colour (52, 209, 183)"),
        (changed_masks(labelmap_dot_txt="# x\nwall:1,2,3::\nwall:1,2,4::"), "line 3: the label or its colour"),
        (changed_masks(labelmap_dot_txt="wall:1,2,3::\nfloor:1,2,3::"), "line 2: the label or its colour"),
        (changed_masks(labelmap_dot_txt=b"\xff\xfe"), "labelmap.txt is no text"),
        (zipped(a0_dot_png=IDS_OF_NOBODY), "dataset.json names no class 77"),
        (zipped(a0_dot_png=PINK), "for colours give --colours"),
        (zipped(a0_dot_png=palette_png(np.zeros((HEIGHT, WIDTH), np.uint8), [9] * 768)), "have one colour"),
        (zipped(b0_dot_png=IDS_OF_NOBODY), "none of the 1 pictures, such as 'b0.png', is a frame of"),
        (changed_coco(images__0__file_name="../../a0.jpg"), "'../../a0.jpg' is said to lie outside"),
        (changed_coco(images__0__file_name="..\\..\\a0.jpg"), "is said to lie outside"),
        (changed_coco(images__0__file_name="/home/me/a0.jpg"), "'/home/me/a0.jpg' is said to lie outside"),
        (changed_coco(images__0__file_name="C:\\me\\a0.jpg"), "is said to lie outside"),
        (changed_coco(images__0__file_name=None), "a file_name is not text"),
        (changed_coco(images__0__file_name="x/a2.png"), "frame a2 is labelled twice"),
        (changed_coco(images__1__id=1), "names the picture 'a2.jpg' or its id again"),
        (changed_coco(images__0__width=640), "picture 'a0.jpg' is 640x24, the set is 32x24"),
        (changed_coco(images={}, annotations=7), "bad.json is not of COCO's format"),
        (changed_coco(categories=None), "bad.json is not of COCO's format"),
        (changed_coco(categories=[]), "annotation 1 is of no picture or category"),
        (changed_coco(info=[]), "bad.json is not of COCO's format"),
        (changed_coco(annotations__2__image_id=55), "annotation 3 is of no picture or category"),
        (changed_coco(annotations__0__segmentation="all"), "annotation 0: segmentation is neither polygons nor"),
        (changed_coco(annotations__0__segmentation=[[1, 2, 3]]), "annotation 0: a polygon is a list of at least"),
        (changed_coco(annotations__0__segmentation=[5, 6]), "annotation 0: a polygon is a list of at least"),
        (changed_coco(annotations__0__segmentation__size=[4, 4]), "is 4x4, the set is 32x24"),
        (changed_coco(annotations__0__segmentation__size=7), "annotation 0"),
        (changed_coco(annotations__0__segmentation__counts=[7]), "run lengths tell of 7 pixels"),
        (changed_coco(annotations__0__segmentation__counts="ab"), "annotation 0: "),
        (changed_coco(annotations__0__segmentation={"size": [HEIGHT, WIDTH]}), "annotation 0: it lacks 'counts'"),
    ],
)
def test_bad_exports_are_refused_in_one_line_and_nothing_is_written(tmp_path, labelled, maps, capsys, make, complaint):
    before = files(labelled)
    assert run(labelled, make(tmp_path, maps), "--add-classes", "--replace") == 2
    out, err = capsys.readouterr()
    assert complaint in err and err.startswith("mtl-perception: ") and err.strip().count("\n") == 0, err
    assert out == "" and files(labelled) == before


@pytest.mark.parametrize(
    ("tasks", "complaint"),
    [
        (None, "give it with --tasks"),
        ("none.json", "cannot read none.json"),
        ("{", "is not JSON"),
        ("{}", "is no list of tasks"),
        ("[7]", "is no list of tasks"),
        ('[{"id": 17, "data": {"image": "a0.jpg", "depth": "a1.png"}}]', "task 17 shows several frames: a0, a1"),
        ('[{"id": 17, "image": "a0.jpg", "annotations": 3}]', "has no tag that it could be of"),
        ('[{"id": 1, "image": "a0.jpg", "brush-tag": []}]', "none of the 2 pictures, such as 'task 17', is a frame"),
        (
            '[{"id": 17, "image": "a0.jpg", "brush-tag": []}, {"id": 18, "image": "a0.jpg"}]',
            "several tasks show 'a0.jpg'",
        ),
    ],
)
def test_brush_masks_need_their_list_of_tasks(tmp_path, labelled, maps, monkeypatch, capsys, tasks, complaint):
    monkeypatch.chdir(tmp_path)
    source = write_folder(tmp_path / "brush", brush_pngs(maps)[0])
    options = []
    if tasks is not None:
        if not tasks.endswith(".json"):
            (tmp_path / "tasks.json").write_text(tasks)
        options = ["--tasks", tasks if tasks.endswith(".json") else "tasks.json"]
    before = files(labelled)
    assert run(labelled, source, *options) == 2
    err = capsys.readouterr().err
    assert complaint in err and err.strip().count("\n") == 0
    assert files(labelled) == before


def test_colours_that_cannot_be_read_are_named(tmp_path, labelled, maps, capsys):
    source = write_zip(tmp_path / "a.zip", cvat_masks(maps))
    assert run(labelled, source, "--colours", tmp_path / "none.txt") == 2
    assert f"cannot read {tmp_path / 'none.txt'}" in capsys.readouterr().err


def test_a_bomb_is_not_unpacked(tmp_path, labelled, monkeypatch, capsys):
    monkeypatch.setattr(export_files, "_LARGEST_FILE", 1 << 16)
    assert run(labelled, write_zip(tmp_path / "bomb.zip", {"a0.png": bytes(1 << 17)})) == 2
    assert "larger than an export's file can be" in capsys.readouterr().err


def test_an_interrupted_import_goes_on(tmp_path, labelled, maps, monkeypatch):
    source = write_zip(tmp_path / "a.zip", cvat_masks(maps))
    reads = MaskLabels.read

    def read(self, picture, info):
        if (labelled.root / "semantic" / "a0.png").exists():
            raise KeyboardInterrupt
        return reads(self, picture, info)

    with monkeypatch.context() as patched:
        patched.setattr(MaskLabels, "read", read)
        assert run(labelled, source) == 130
    assert labels(labelled).keys() == {"a0"}
    assert run(labelled, source) == 0
    check_equal(labelled, maps)


def test_a_folder_that_takes_no_files_is_said(tmp_path, labelled, maps, capsys):
    (labelled.root / "semantic").write_text("in the way")
    assert run(labelled, write_zip(tmp_path / "a.zip", cvat_masks(maps))) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert cv2.imread(str(labelled.path("rgb", "a0"))) is not None

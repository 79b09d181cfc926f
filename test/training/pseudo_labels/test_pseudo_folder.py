"""Pseudo-labels on disk."""

from __future__ import annotations

import io
import itertools
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from ball_folder import write_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtl_perception.dataset_folder import DatasetError
from mtl_perception.depth_logger.frame_drop import TEACHER_FOLDERS
from mtl_perception.model_card import TrainingData
from training.datasets.data_module import FolderData
from training.datasets.frames import read_frame
from training.datasets.label_choice import LabelChoice
from training.datasets.pseudo_folder import FILES, PseudoFolder, PseudoInfo

INFO = PseudoInfo(
    dataset="balls",
    teacher="t.ckpt",
    teacher_sha256="0" * 64,
    training_data=(TrainingData("kitchen", 7, "non-commercial"),),
    tasks=("semantic", "depth"),
    tau=0.9,
    agreement=0.05,
    width=64,
    height=48,
    classes=3,
    depth_per_metre=1000.0,
    soft=True,
)


@pytest.fixture
def pseudo(tmp_path):
    return PseudoFolder.create(tmp_path / "pseudo", INFO)


def fill(pseudo, name):
    rng = np.random.default_rng(0)
    maps = {
        "semantic": rng.integers(1, 4, (48, 64)).astype(np.uint8),
        "confidence": rng.integers(0, 256, (48, 64)).astype(np.uint8),
        "depth": rng.uniform(0.5, 9, (48, 64)).astype(np.float32),
        "depth_confidence": rng.integers(200, 256, (48, 64)).astype(np.uint8),
        "soft_semantic": rng.dirichlet([1, 1, 1], (12, 16)).astype(np.float16),
    }
    for kind, array in maps.items():
        pseudo.write(kind, name, array)
    return maps


def test_only_what_the_teacher_is_sure_of_is_a_label(pseudo):
    maps = fill(pseudo, "f03")
    again = PseudoFolder(pseudo.root)
    sure = maps["confidence"] / 255 > 0.9
    np.testing.assert_array_equal(again.read_semantic("f03"), np.where(sure, maps["semantic"], 0))
    agreed = maps["depth_confidence"] >= 255 * 0.95
    np.testing.assert_allclose(again.read_depth("f03"), np.where(agreed, maps["depth"], 0), atol=5.1e-4)
    np.testing.assert_array_equal(again.read_soft_semantic("f03"), maps["soft_semantic"])
    np.testing.assert_array_equal(again.read_whole("semantic", "f03"), maps["semantic"])


def test_a_true_label_is_never_replaced(pseudo, folder):
    """f03 has depth and no classes, f00 has both."""
    fill(pseudo, "f03"), fill(pseudo, "f00")
    choice = LabelChoice(pseudo=pseudo)
    np.testing.assert_array_equal(read_frame(folder, "f00", choice).semantic, folder.read_semantic("f00"))
    np.testing.assert_array_equal(read_frame(folder, "f03", choice).semantic, pseudo.read_semantic("f03"))
    np.testing.assert_array_equal(read_frame(folder, "f03", choice).depth, folder.read_depth("f03"))
    assert read_frame(folder, "f07", choice).semantic is None
    soft = read_frame(folder, "f03", replace(choice, soft=True))
    assert soft.semantic is None and soft.soft_semantic.shape == (12, 16, 3)


def test_those_of_another_teacher_are_not_mixed_in(pseudo):
    moved = replace(INFO, teacher="moved/t.ckpt")
    assert PseudoFolder.create(pseudo.root, moved).info == moved
    with pytest.raises(DatasetError, match=r"made otherwise \(teacher_sha256, soft differ\): choose another folder"):
        PseudoFolder.create(pseudo.root, replace(INFO, soft=False, teacher_sha256="1" * 64))
    assert PseudoFolder(pseudo.root).info == moved


def test_a_threshold_can_be_changed_without_labelling_anew(pseudo):
    maps = fill(pseudo, "f03")
    again = PseudoFolder.create(pseudo.root, replace(INFO, tau=0.5))
    np.testing.assert_array_equal(again.read_semantic("f03") > 0, maps["confidence"] > 127.5)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_by_rank_each_class_keeps_its_surest_pixels(pseudo, seed, share):
    """At least the share asked for, and not a whole confidence level more; none that is surer is left out."""
    random = np.random.default_rng(seed)
    shape = (INFO.height, INFO.width)
    maps = {n: (random.integers(1, 4, shape, np.uint8), random.integers(0, 256, shape, np.uint8)) for n in ("a", "b")}
    for name, (ids, confidence) in maps.items():
        pseudo.write("semantic", name, ids)
        pseudo.write("confidence", name, confidence)
    least = pseudo.least_by_rank(["a", "b", "without"], share)
    kept = np.stack([pseudo.read_semantic(name, least) for name in maps])
    every, confidence = (np.stack([m[i] for m in maps.values()]) for i in (0, 1))
    for c in np.unique(every):
        mine = every == c
        assert (kept == c).sum() >= share * mine.sum()
        assert (confidence[mine] > least[c]).sum() < share * mine.sum()
        assert ((kept == c) == (mine & (confidence >= least[c]))).all()


def test_damage_is_named(pseudo, tmp_path):
    fill(pseudo, "f03")
    for kind, read in (("semantic", "read_semantic"), ("depth", "read_depth"), ("soft_semantic", "read_soft_semantic")):
        path = pseudo.path(kind, "f03")
        path.write_bytes(path.read_bytes()[:40])
        with pytest.raises(DatasetError, match=path.name):
            getattr(pseudo, read)("f03")
    (pseudo.root / "pseudo_labels.json").write_text("[1]")
    with pytest.raises(DatasetError, match=r"pseudo_labels\.json: it does not describe pseudo-labels"):
        PseudoFolder(pseudo.root)
    with pytest.raises(DatasetError, match="holds no pseudo-labels"):
        PseudoFolder(tmp_path)


def test_a_pickle_is_not_loaded(pseudo):
    path = pseudo.path("soft_semantic", "f03")
    path.parent.mkdir(parents=True)
    with open(path, "wb") as file:
        np.savez(file, probabilities=np.array([{"a": 1}], object))
    with pytest.raises(DatasetError, match="holds object of shape"):
        pseudo.read_soft_semantic("f03")


def test_an_array_damaged_anywhere_is_named_or_read(pseudo):
    fill(pseudo, "f03")
    path = pseudo.path("soft_semantic", "f03")
    whole = path.read_bytes()
    # By the second a deflated member says that it is packed by LZMA.
    for position, change in itertools.product(range(len(whole)), (0x55, 0x06)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ change]) + whole[position + 1 :])
        try:
            pseudo.read_soft_semantic("f03")
        except DatasetError as error:
            assert str(path) in str(error)


def test_an_array_that_says_it_is_huge_is_not_unpacked(pseudo):
    path = pseudo.path("soft_semantic", "f03")
    path.parent.mkdir(parents=True)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f2", "fortran_order": False, "shape": (10**7, 10**7, 3)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("probabilities.npy", buffer.getvalue())
    with pytest.raises(DatasetError, match=r"10000000, 3\), not float16 of \(h <= 48, w <= 64, 3\)"):
        pseudo.read_soft_semantic("f03")


def test_a_class_beyond_the_teachers_is_named(pseudo):
    fill(pseudo, "f03")
    pseudo.write("semantic", "f03", np.full((48, 64), 9, np.uint8))
    with pytest.raises(DatasetError, match="class id 9 of 3"):
        pseudo.read_semantic("f03")


def test_labels_of_frames_or_classes_that_have_changed_since_are_refused(pseudo, folder, tmp_path):
    pseudo.check(folder, 3)
    with pytest.raises(DatasetError, match="of 3 classes, the training has 4: label its frames anew"):
        pseudo.check(folder, 4)
    smaller = PseudoFolder.create(tmp_path / "smaller", replace(INFO, width=32, height=24))
    with pytest.raises(DatasetError, match=r"of 32x24 pixels, the frames of .* have 64x48: label them anew"):
        smaller.check(folder, 3)


def test_a_student_is_bound_by_what_its_teacher_learnt_from(pseudo, folder):
    fill(pseudo, "f03")
    data = FolderData([f"{folder.root}:train"], pseudo_labels=str(pseudo.root), height=32, width=64, batch_size=2)
    told = {entry["name"]: (entry["frames"], entry["licence"]) for entry in data.state_dict()["training_data"]}
    assert told["kitchen"] == (7, "non-commercial") and told["balls"][1] == "CC0-1.0"


def test_a_teachers_depth_without_intrinsics_is_not_dropped_in_silence(pseudo, folder, tmp_path):
    unmeasured = write_folder(tmp_path / "balls", intrinsics=None)
    shutil.rmtree(unmeasured.root / "depth")
    fill(pseudo, "f03")
    with pytest.raises(DatasetError, match="depth but no intrinsics"):
        FolderData(
            [f"{unmeasured.root}:train"], pseudo_labels=str(pseudo.root), batch_size=2, height=32, width=64
        ).setup("fit")


def test_the_logger_knows_a_teachers_folders():
    """It runs without this package: in a folder that it does not know it would take every file for somebody's work."""
    assert {folder for folder, _ in FILES.values()} == {*TEACHER_FOLDERS}

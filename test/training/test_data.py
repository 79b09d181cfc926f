from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from ball_folder import CLASSES, write_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_perception.dataset_folder import DatasetError, DatasetFolder, DatasetInfo
from mtl_perception.dataset_index import index_path
from mtl_perception.dataset_writer import DatasetWriter
from mtl_perception.letterbox import Letterbox
from training.datasets.augmentation import View
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.folder import FolderDataset
from training.datasets.sample import collate
from training.datasets.source import Source, common_classes, split_source
from training.deployed.resize import shrink
from training.errors import ConfigurationError

CAMERA = CanonicalCamera(32, 64, 50.0)


def test_samples_carry_the_labels_there_are(folder):
    dataset = FolderDataset(folder, folder.names(), CAMERA, augment=False)
    assert ["depth" in dataset[i] for i in range(4)] == [True, True, False, True]
    assert ["semantic" in dataset[i] for i in range(4)] == [True, True, True, False]
    assert dataset[0]["image"].shape == (3, 32, 64) and dataset[0]["image"].max() <= 1
    batch = collate([dataset[2], dataset[3]])
    assert (batch["depth"][0] == 0).all() and (batch["semantic"][1] == 255).all()
    assert "depth" not in collate([dataset[2]])


def test_depth_is_that_of_the_canonical_camera(folder):
    depth = FolderDataset(folder, folder.names(), CanonicalCamera(96, 128, 50.0), augment=False)[0]["depth"]
    np.testing.assert_allclose(np.unique(depth), np.array([1.0, 2.0, 4.0]) * 50 / (2 * 52.5), rtol=1e-5)


@pytest.mark.parametrize("size", [(32, 64), (64, 64)])
def test_frames_of_another_shape_are_padded_as_on_the_robot(folder, size):
    """Not squashed: what the robot shows a network is what it has learnt from."""
    camera, name = CanonicalCamera(*size, 50.0), folder.names()[0]
    sample = FolderDataset(folder, [name], camera, augment=False)[0]
    box = Letterbox((48, 64), size)
    robots = box.to_network(folder.read_rgb(name))[0].transpose(2, 0, 1) / 255
    inside = np.zeros(size, bool)
    box.crop(inside[None])[:] = True
    np.testing.assert_allclose(sample["image"].numpy()[:, ~inside], robots[:, ~inside], atol=1e-6)
    assert np.abs(sample["image"].numpy() - robots).mean() < 0.02
    assert (sample["depth"].numpy()[~inside] == 0).all() and (sample["semantic"].numpy()[~inside] == 255).all()
    # As ``Network.predict`` takes it back.
    factor = 50 / (52.5 * box.scale)
    np.testing.assert_allclose(np.unique(sample["depth"])[1:], np.array([1.0, 2.0, 4.0]) * factor, rtol=1e-5)


@settings(max_examples=50)
@given(zoom=st.integers(1, 3), focal=st.floats(20, 500), height=st.integers(64, 700), width=st.integers(64, 700))
def test_a_zoom_is_a_longer_lens(zoom, focal, height, width):
    part = CAMERA.depth_factor(focal, height, width)
    assert CAMERA.depth_factor(focal, zoom * height, zoom * width) == pytest.approx(zoom * part)
    assert CAMERA.depth_factor(focal * zoom, height, width) == pytest.approx(part / zoom)


def test_a_mirrored_view_mirrors_image_and_labels_alike(folder):
    dataset = FolderDataset(folder, folder.names(), CAMERA, augment=False)
    plain = dataset._view(dataset.frames[0], View(8, 4, 40, 30))
    mirrored = dataset._view(dataset.frames[0], View(8, 4, 40, 30, mirrored=True))
    for key in ("image", "depth", "semantic"):
        assert torch.equal(plain[key].flip(-1), mirrored[key])


def shrunk(picture: np.ndarray, root, camera: CanonicalCamera) -> tuple[np.ndarray, np.ndarray]:
    """A picture as a folder keeps it, and as a network in training sees it, unaugmented: (H, W, 3) in levels."""
    height, width = picture.shape[:2]
    info = DatasetInfo(width=width, height=height, classes=CLASSES, licence="CC0-1.0", source="test", splits={})
    writer = DatasetWriter(root, info)
    writer.write_frame("f", picture)
    writer.finish()
    folder = DatasetFolder(root)
    image = FolderDataset(folder, ["f"], camera, augment=False)[0]["image"]
    return folder.read_rgb("f"), 255 * image.permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("height", "width", "least", "most"), [(80, 160, 0, 15), (32, 64, 120, 128)])
def test_a_picture_is_averaged_where_it_shrinks(tmp_path, height, width, least, most):
    """A fine chequerboard shrunk by 2.5 is all but grey."""
    y, x = np.indices((height, width))
    board = np.repeat(np.uint8(255 * ((x + y) % 2))[..., None], 3, 2)
    _, seen = shrunk(board, tmp_path / "board", CAMERA)
    assert least <= seen.std() <= most
    assert seen.mean() == pytest.approx(127.5, abs=2)


def test_a_picture_shrinks_as_in_an_exported_network(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    picture, seen = shrunk(noise, tmp_path / "noise", CanonicalCamera(72, 96, 50.0))
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    np.testing.assert_allclose(seen, shrink((120, 160), (72, 96))(image)[0].permute(1, 2, 0), atol=1.01)


def test_a_picture_shrinks_as_a_frame_that_is_larger_than_a_robots_input(tmp_path):
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    smooth = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
    picture, seen = shrunk(smooth, tmp_path / "smooth", CanonicalCamera(96, 128, 50.0))
    assert np.abs(seen - Letterbox((120, 160), (96, 128)).to_network(picture)[0]).mean() < 2


def test_augmented_samples_keep_class_and_depth_together(folder):
    torch.manual_seed(0)
    dataset = FolderDataset(folder, folder.names(), CAMERA, augment=True)
    for _ in range(10):
        sample = dataset[0]
        near, far = sample["depth"][sample["semantic"] == 3], sample["depth"][sample["semantic"] == 1]
        if len(near) and len(far):
            assert (far.min() / near.max()).item() == pytest.approx(4, rel=1e-4)


def test_held_out_frames_are_not_trained_on(folder):
    frames = Source(folder, folder.names())
    held = frames.hold_out(3)
    rest = frames.without(held)
    assert len(held.names) == 3 and sorted(rest.names + held.names) == folder.names()
    with pytest.raises(ConfigurationError, match="cannot hold 12 of the 12"):
        Source(folder, folder.names()).hold_out(12)


def test_of_a_recording_frames_in_a_row_are_held_out(tmp_path):
    """Their neighbours look like them: held out one by one they would all be trained on, all but."""
    walks = {"attic": [f"f{i:02d}" for i in range(8)], "cellar": [f"f{i:02d}" for i in range(8, 20)]}
    folder = write_folder(tmp_path / "walks", frames=20, sequences=walks)
    held = Source(folder, folder.names()).hold_out(5)
    assert held.names == ["f06", "f07", "f17", "f18", "f19"]


def test_runs_of_the_logger_are_recordings(tmp_path):
    folder = write_folder(tmp_path / "logged", frames=20)
    for run, frames in (("attic", range(8)), ("cellar", range(8, 20))):
        path = index_path(folder.root, run)
        path.parent.mkdir(exist_ok=True)
        lines = [{"run": run}, *({"name": f"f{i:02d}", "stamp": i} for i in frames)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert Source(folder, folder.names()).hold_out(5).names == ["f06", "f07", "f17", "f18", "f19"]


def test_data_that_cannot_be_used_is_named(folder, tmp_path):
    other = write_folder(tmp_path / "other", classes={1: "wall", 2: "ceiling", 3: "ball"})
    with pytest.raises(ConfigurationError, match="id 2 is 'floor' and 'ceiling'"):
        common_classes([Source(folder, []), Source(other, [])])
    unmeasured = write_folder(tmp_path / "unmeasured", intrinsics=None)
    with pytest.raises(DatasetError, match="depth but no intrinsics"):
        FolderDataset(unmeasured, unmeasured.names(), CAMERA, augment=False)
    nameless = write_folder(tmp_path / "nameless", classes={1: "wall", 2: "floor"})
    with pytest.raises(DatasetError, match=r"class id 3, which dataset\.json does not name"):
        FolderDataset(nameless, nameless.names(), CAMERA, augment=False)
    with pytest.raises(DatasetError, match="no split 'test'; it has: train, val"):
        Source.parse(f"{folder.root}:test", ".")


def test_a_split_is_behind_the_last_colon(tmp_path):
    folder = write_folder(tmp_path / "a:b" / "balls")
    assert split_source(f"{folder.root}:val") == (str(folder.root), "val") and split_source("balls") == ("balls", None)
    assert Source.parse(f"{folder.root}:val", ".").names == folder.names("val")


def test_depth_that_is_unknown_everywhere_is_said(tmp_path):
    folder = write_folder(tmp_path / "dark")
    for path in (folder.root / "depth").iterdir():
        cv2.imwrite(str(path), np.zeros((48, 64), np.uint16))
    with pytest.raises(DatasetError, match=r"dark: depth is 0, which is unknown, all over the 8 frames"):
        FolderDataset(folder, folder.names(), CAMERA, augment=False)


def test_a_split_that_names_unknown_frames_is_said(tmp_path):
    folder = write_folder(tmp_path / "gone")
    folder.path("rgb", "f02").unlink()
    with pytest.raises(DatasetError, match="frame f02 has no rgb"):
        FolderDataset(folder, folder.names("train"), CAMERA, augment=False)


@pytest.mark.parametrize(("kind", "content", "complaint"), [("rgb", b"no image", "damaged"), ("depth", None, "32x32")])
def test_a_file_that_is_damaged_or_of_another_size_is_named(tmp_path, kind, content, complaint):
    folder = write_folder(tmp_path / "torn")
    path = folder.path(kind, "f01")
    path.write_bytes(content or cv2.imencode(".png", np.ones((32, 32), np.uint16))[1].tobytes())
    with pytest.raises(DatasetError, match=rf"{path.name}.*{complaint}"):
        FolderDataset(folder, folder.names("train"), CAMERA, augment=False)


def test_strong_augmentation_changes_the_picture_more_but_never_its_labels(folder):
    names, camera = folder.names("train"), CanonicalCamera(64, 64, 50.0)

    def seen(strong: bool):
        dataset = FolderDataset(folder, names, camera, augment=True, strong=strong)
        plain = FolderDataset(folder, names, camera, augment=False)
        samples = []
        for i in range(len(names)):
            torch.manual_seed(i)
            samples.append(dataset[i])
        change = [
            (s["image"].mean((1, 2)) - plain[i]["image"].mean((1, 2))).abs().mean() for i, s in enumerate(samples)
        ]
        assert all(s["image"].min() >= 0 and s["image"].max() <= 1 for s in samples)
        return samples, torch.stack(change).mean()

    (weak, little), (strong, much) = seen(False), seen(True)
    assert much > little
    for one, other in zip(weak, strong, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one if key != "image")

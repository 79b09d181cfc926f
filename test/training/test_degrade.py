"""Depth and poses as worse sensors measure them: by how much, where not, and a folder that is whole or goes on."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from ball_folder import write_folder
from full_disk import fill_after
from hypothesis import given, settings
from hypothesis import strategies as st
from logged_folder import write_logged
from room_views import write_room

from mtl_perception.dataset_folder import DatasetFolder, Intrinsics
from training.__main__ import main
from training.datasets.source import Source
from training.degrade import copying
from training.degrade.sensors import disparity_noise, holes, kinect

examples = settings(max_examples=20)
CAMERA = Intrinsics(525.0, 525.0, 320, 240)
SHAPE = (240, 640)


def wall(metres: float) -> np.ndarray:
    return np.full(SHAPE, metres, np.float32)


@pytest.mark.parametrize("metres", [1.0, 2.0, 4.0])
def test_kinects_noise_grows_with_distance_as_measured(metres):
    measured = kinect(wall(metres), CAMERA, 1.0, np.random.default_rng(0))
    assert (measured > 0).mean() > 0.99 and abs(np.median(measured) - metres) < 0.01 * metres
    # Its own noise, and the rounding of disparity: a step of s has a deviation of s / sqrt(12).
    noise = 0.0012 + 0.0019 * (metres - 0.4) ** 2
    step = metres**2 / (525 * 0.075) / 8
    assert np.std(measured[measured > 0]) == pytest.approx(np.hypot(noise, step / np.sqrt(12)), rel=0.25)
    disparity = 525 * 0.075 / measured[measured > 0] * 8
    np.testing.assert_allclose(disparity, np.round(disparity), atol=1e-3)


def test_kinect_sees_neither_near_nor_far_nor_in_the_shadow_of_what_is_before_it():
    assert not kinect(wall(0.3), CAMERA, 1.0, np.random.default_rng(0)).any()
    assert not kinect(wall(12.0), CAMERA, 1.0, np.random.default_rng(0)).any()
    depth = wall(4.0)
    depth[:, 300:400] = 1.0
    lost = (kinect(depth, CAMERA, 0.01, np.random.default_rng(0)) == 0).mean(0) > 0.5
    width = 525 * 0.075 * (1 / 1.0 - 1 / 4.0)
    # The shadow lies left of the box, as wide as its disparity differs from the wall's.
    assert lost[:400].sum() == pytest.approx(width, abs=2) and lost[302 - int(width) : 299].all()
    assert not lost[400:].any()


@examples
@given(st.floats(0.2, 3.0), st.integers(0, 100))
def test_disparity_errs_by_the_pixels_asked_for(level, seed):
    measured = disparity_noise(wall(3.0), CAMERA, level, np.random.default_rng(seed))
    error = 525 * 0.12 / measured[measured > 0] - 525 * 0.12 / 3.0
    middle = np.percentile(error, [16, 84])
    assert np.diff(middle)[0] / 2 == pytest.approx(level, rel=0.2)
    assert (measured >= 0).all() and np.isfinite(measured).all()


@examples
@given(st.floats(0.0, 1.0), st.integers(0, 100))
def test_holes_take_just_the_share_of_what_was_known_and_leave_the_rest(share, seed):
    depth = wall(2.0)
    depth[:40] = 0
    measured = holes(depth, CAMERA, share, np.random.default_rng(seed))
    assert (measured > 0).sum() == pytest.approx((1 - share) * (depth > 0).sum(), abs=1)
    assert set(np.unique(measured)) <= {0.0, 2.0}


@pytest.mark.parametrize("sensor", [kinect, disparity_noise, holes])
def test_what_is_unknown_stays_so(sensor):
    depth = wall(2.0)
    depth[::2] = 0
    measured = sensor(depth, CAMERA, 0.5, np.random.default_rng(1))
    assert not measured[::2].any() and measured[1::2].any()
    assert not sensor(np.zeros(SHAPE, np.float32), CAMERA, 0.5, np.random.default_rng(1)).any()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "balls")
    return tmp_path


def run(*arguments: str) -> int:
    return main(["degrade", "balls", "worse", "--sensor", "kinect", "--level", "1", *arguments])


def test_a_degraded_folder_is_the_same_but_for_depth(home):
    assert run() == 0
    before, after = DatasetFolder(home / "balls"), DatasetFolder(home / "worse")
    assert after.names("train") == before.names("train")
    assert after.info.source == "test; depth degraded: kinect, level 1, seed 0"
    for name in before.names():
        assert np.array_equal(after.read_rgb(name), before.read_rgb(name))
        assert after.has("semantic", name) == before.has("semantic", name)
        assert after.has("depth", name) == before.has("depth", name)
    assert not np.array_equal(after.read_depth("f00"), before.read_depth("f00"))
    assert not (home / "worse" / copying.UNFINISHED).exists()


def test_poses_err_by_the_centimetres_and_half_degrees_asked_for_and_depth_stays(home):
    before = write_room(home / "room", frames=60)
    assert main(["degrade", "room", "lost", "--sensor", "localisation", "--level", "4"]) == 0
    after = DatasetFolder(home / "lost")
    assert after.info.source == "test; pose degraded: localisation, level 4, seed 0"
    errors = [np.linalg.inv(before.read_pose(name)) @ after.read_pose(name) for name in before.names()]
    moved = np.array([error[:3, 3] for error in errors])
    turned = np.array([cv2.Rodrigues(error[:3, :3])[0][:, 0] for error in errors])
    assert moved.std() == pytest.approx(0.04, rel=0.2) and np.rad2deg(turned).std() == pytest.approx(2, rel=0.2)
    assert abs(moved.mean()) < 0.01 and abs(np.rad2deg(turned).mean()) < 0.5
    for kind in ("rgb", "depth", "semantic"):
        assert after.path(kind, "f00").read_bytes() == before.path(kind, "f00").read_bytes()
    shutil.rmtree(home / "lost")
    assert main(["degrade", "room", "lost", "--sensor", "localisation", "--level", "4"]) == 0
    np.testing.assert_allclose(after.read_pose("f07"), before.read_pose("f07") @ errors[7], atol=1e-12)


def test_a_copy_still_tells_which_frames_are_of_one_run(home):
    folder = write_logged(home / "logged", classes={})
    assert main(["degrade", "logged", "worse", "--sensor", "holes", "--level", "0.5"]) == 0
    before, after = (Source.parse(name, str(home)) for name in ("logged", "worse"))
    assert after.recordings == before.recordings and set(after.recordings) == set(folder.names())


@pytest.mark.parametrize(("folder", "sensor", "kind"), [("balls", "kinect", "depth"), ("room", "localisation", "pose")])
def test_interrupted_it_goes_on_to_the_same_folder_and_to_no_other(home, monkeypatch, capsys, folder, sensor, kind):
    write_room(home / "room", frames=4)
    begin = ["degrade", folder, "worse", "--sensor", sensor, "--level"]
    copied = sum(path.parent.name != kind for path in (home / folder).glob("*/*"))
    with monkeypatch.context() as patch:
        fill_after(1 + copied + 2, patch)  # What it was begun with, what is copied, and two of its own.
        assert main([*begin, "1"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert len([*(home / "worse" / kind).iterdir()]) == 2
    for other in ([*begin, "2"], [*begin, "1", "--seed", "1"]):
        assert main(other) == 2
        assert f"{sensor}, level 1, seed 0" in (said := capsys.readouterr().err) and "was begun otherwise" in said
    assert main([*begin, "1"]) == 0
    gone_on = {path.name: path.read_bytes() for path in (home / "worse" / kind).iterdir()}
    shutil.rmtree(home / "worse")
    assert main([*begin, "1"]) == 0
    assert gone_on == {path.name: path.read_bytes() for path in (home / "worse" / kind).iterdir()}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("balls", "full", "--sensor", "holes", "--level", "0.5"), "full is not empty"),
        (("balls", "new", "--sensor", "holes", "--level", "1.5"), "level 1.5 of holes: above 0, and of holes below 1"),
        (("balls", "new", "--sensor", "kinect", "--level", "0"), "level 0 of kinect: above 0"),
        (("blind", "new", "--sensor", "kinect", "--level", "1"), "has no depth to degrade"),
        (("balls", "new", "--sensor", "localisation", "--level", "1"), "has no pose to degrade"),
        (("lensless", "new", "--sensor", "kinect", "--level", "1"), "has no intrinsics"),
        (("none", "new", "--sensor", "kinect", "--level", "1"), "none is no data set folder"),
    ],
)
def test_what_cannot_be_degraded_is_said_in_one_line(home, capsys, arguments, complaint):
    (home / "full").mkdir()
    (home / "full" / "mine.txt").write_text("mine")
    for name, change in (("blind", None), ("lensless", {"intrinsics": None})):
        shutil.copytree(home / "balls", home / name)
        if change is None:
            shutil.rmtree(home / name / "depth")
        else:
            path = home / name / "dataset.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert main(["degrade", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert complaint in error and len(error.splitlines()) == 1
    assert not (home / "new").exists()

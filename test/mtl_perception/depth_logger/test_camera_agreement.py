"""One folder, one camera: what a later run may and may not bring."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from mtl_perception.dataset_folder import DatasetError, DatasetFolder, Intrinsics
from mtl_perception.depth_logger import camera_agreement
from mtl_perception.depth_logger.camera_agreement import agree_on_camera, make_folder

CAMERA = Intrinsics(500.0, 501.0, 319.5, 239.5)


def agree(root: Path, width=640, height=480, camera=CAMERA, licence="", source="robot"):
    make_folder(root)
    agree_on_camera(root, width, height, camera, licence, source)


def test_the_first_run_tells_of_the_camera(tmp_path):
    agree(tmp_path / "set")
    info = DatasetFolder(tmp_path / "set").info
    assert (info.width, info.height, info.intrinsics, info.depth_per_metre) == (640, 480, CAMERA, 1000)
    assert (info.licence, info.source) == ("unknown", "robot")


def test_a_licence_is_told_when_the_user_says_it_and_agreed_with_when_not(tmp_path):
    agree(tmp_path, licence="CC-BY-4.0")
    agree(tmp_path)
    agree(tmp_path, licence="CC-BY-4.0", source="another robot")
    info = DatasetFolder(tmp_path).info
    assert (info.licence, info.source) == ("CC-BY-4.0", "robot")


def test_a_calibration_anew_is_the_same_camera(tmp_path):
    agree(tmp_path)
    agree(tmp_path, camera=Intrinsics(504.0, 497.0, 324.0, 236.0))
    assert DatasetFolder(tmp_path).info.intrinsics == CAMERA


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (dict(width=320, height=240), "they are 640x480, the camera sends 320x240; log into another folder"),
        (dict(camera=Intrinsics(510.0, 501.0, 319.5, 239.5)), "fx 500.0 .* this one fx 510.0 .*another folder"),
        (dict(camera=Intrinsics(500.0, 490.0, 319.5, 239.5)), "fy 501.0 .* fy 490.0"),
        (dict(camera=Intrinsics(500.0, 501.0, 330.0, 239.5)), "cx 319.5 .* cx 330.0"),
        (dict(camera=Intrinsics(500.0, 501.0, 319.5, 230.0)), "cy 239.5, .* cy 230.0"),
        (dict(licence="MIT-0"), "licence is 'unknown', not 'MIT-0'; .*correct its dataset.json"),
    ],
)
def test_another_camera_or_licence_is_refused_with_what_to_do(tmp_path, changes, complaint):
    agree(tmp_path)
    with pytest.raises(DatasetError, match=f"holds frames of another kind: .*{complaint}"):
        agree(tmp_path, **changes)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"depth_per_metre": 5000}, "5000 units a metre, not 1000; log into another folder"),
        ({"intrinsics": None}, "camera is unknown; .*write the intrinsics"),
        ({"intrinsics": {"fx": 0, "fy": 0, "cx": 0, "cy": 0}}, "fx 0, fy 0: focal lengths are pixels above 0"),
        ({"width": 0}, "must be positive"),
    ],
)
def test_a_folder_of_another_kind_is_refused(tmp_path, told, complaint):
    agree(tmp_path)
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
    with pytest.raises(DatasetError, match=complaint):
        agree(tmp_path)


def test_a_new_folder_is_on_the_disk_by_its_name_too(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(camera_agreement, "sync_folder", synced.append)
    make_folder(tmp_path / "new" / "set")
    assert {tmp_path, tmp_path / "new", tmp_path / "new" / "set"} == set(synced)
    synced.clear()
    make_folder(tmp_path / "new" / "set")
    assert synced == []


def test_of_two_loggers_that_start_at_once_one_tells_of_the_camera_and_the_other_agrees_or_not(tmp_path):
    refused: list[str] = []

    def start(width: int) -> None:
        try:
            agree(tmp_path, width=width)
        except DatasetError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start, args=(width,)) for width in (640, 320) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 8 and len(set(refused)) == 1
    assert str(DatasetFolder(tmp_path).info.width) not in refused[0].rpartition("sends")[2]

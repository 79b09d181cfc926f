"""What a user relies on in rooms: exact depth, poses that agree with it, labels that agree with both."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.rooms import mesh, textures
from training.rooms.camera import Camera, look
from training.rooms.camera_path import FreeSpace, view, walk
from training.rooms.classes import CLASS_IDS
from training.rooms.materials import Material
from training.rooms.render import labels, radiance
from training.rooms.room_types import RECIPES, furnish
from training.rooms.scene import Scene
from training.rooms.shading import TextureAtlas

CAMERA = Camera.centred(80, 60, 52.0)
SIZE = np.array([4.0, 5.0, 2.5])


def bare_room() -> Scene:
    scene = Scene()
    paint = Material(textures.plain((0.5, 0.5, 0.5)))
    scene.add(mesh.box((0, 0, 0), SIZE), paint, "wall")
    scene.freeze()
    return scene


BARE = bare_room()


@pytest.fixture(scope="module", params=["bedroom", "living"])
def furnished(request):
    rng = np.random.default_rng(11)
    layout, scene = furnish(request.param, rng)
    return layout, scene, walk(layout, scene, CAMERA, rng, 30, 10.0, tries=2)


def points(camera: Camera, pose: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """World points (H, W, 3) of a depth image, by the formula a user of the data set writes."""
    k = camera.intrinsics
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    local = np.stack([(u - k.cx) / k.fx * depth, (v - k.cy) / k.fy * depth, depth], -1)
    return local @ pose[:3, :3].T + pose[:3, 3]


def test_a_wall_faced_squarely_is_equally_deep_everywhere():
    seen = labels(BARE, CAMERA, look(np.array([2.0, 1.5, 1.2]), np.pi / 2))
    middle = seen.depth[25:35, 20:60]
    np.testing.assert_allclose(middle, SIZE[1] - 1.5, atol=1e-6)


@settings(max_examples=25)
@given(
    x=st.floats(0.3, 3.7),
    y=st.floats(0.3, 4.7),
    z=st.floats(0.3, 2.2),
    yaw=st.floats(-3.1, 3.1),
    pitch=st.floats(-1.2, 1.2),
    roll=st.floats(-0.5, 0.5),
)
def test_depth_is_that_of_the_analytic_box(x, y, z, yaw, pitch, roll):
    pose = look(np.array([x, y, z]), yaw, pitch, roll)
    depth = labels(BARE, CAMERA, pose).depth
    k = CAMERA.intrinsics
    v, u = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width]
    direction = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones(u.shape)], -1) @ pose[:3, :3].T
    with np.errstate(divide="ignore"):
        walls = np.where(direction > 0, SIZE - pose[:3, 3], -pose[:3, 3]) / direction
    np.testing.assert_allclose(depth, walls.min(-1), atol=1e-3)


def test_poses_are_rigid_and_upright():
    for yaw, pitch, roll in ((0, 0, 0), (2.0, -0.5, 0.1), (-1.0, 0.9, -0.3)):
        rotation = look(np.zeros(3), yaw, pitch, roll)[:3, :3]
        np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert rotation[2, 1] < 0, "the camera's y axis points down"
    np.testing.assert_allclose(look(np.zeros(3), 0.0)[:3, 2], [1, 0, 0], atol=1e-12)


def test_one_frame_predicts_the_next(furnished):
    """Nothing seen in frame A may lie before what frame B sees there, and most of it is what B sees."""
    _, scene, poses = furnished
    agreed = total = 0
    for a, b in ((0, 3), (10, 14), (20, 26)):
        world = points(CAMERA, poses[a], labels(scene, CAMERA, poses[a]).depth).reshape(-1, 3)
        local = (world - poses[b][:3, 3]) @ poses[b][:3, :3]
        local = local[local[:, 2] > 0.1]
        k = CAMERA.intrinsics
        direction = local / local[:, 2:]
        inside = (np.abs(direction[:, 0]) < k.cx / k.fx) & (np.abs(direction[:, 1]) < k.cy / k.fy)
        local, direction = local[inside], direction[inside]
        rays = direction @ poses[b][:3, :3].T
        seen = scene.trace(np.broadcast_to(poses[b][:3, 3], rays.shape), rays).distance
        # A ray may slip past the edge of the very point it aims at, never end well before it for no reason.
        behind = seen > local[:, 2] + 2e-3
        assert behind.mean() < 0.005
        agreed += int((np.abs(seen - local[:, 2]) < 2e-3).sum())
        total += len(local)
    assert total > 3000
    assert agreed / total > 0.8


def test_labels_agree_with_depth(furnished):
    layout, scene, poses = furnished
    for pose in poses[::10]:
        seen = labels(scene, CAMERA, pose)
        assert (seen.depth > 0).all(), "a room is closed"
        world = points(CAMERA, pose, seen.depth)
        np.testing.assert_allclose(world[seen.semantic == CLASS_IDS["floor"]][:, 2], 0, atol=1e-3)
        np.testing.assert_allclose(world[seen.semantic == CLASS_IDS["ceiling"]][:, 2], layout.plan.height, atol=1e-3)
        assert all(layout.plan.contains(point, point, slack=0.01) for point in world[::5, ::5].reshape(-1, 3))


def test_an_object_has_one_class_and_the_building_no_object(furnished):
    _, scene, _ = furnished
    for instance in np.unique(scene.face_instance):
        classes = np.unique(scene.face_class[scene.face_instance == instance])
        if instance:
            assert len(classes) == 1
        else:
            assert set(classes) == {CLASS_IDS[n] for n in ("wall", "floor", "ceiling")}


def test_a_walk_is_smooth_and_runs_into_nothing(furnished):
    layout, scene, poses = furnished
    places = np.array([pose[:3, 3] for pose in poses])
    assert np.linalg.norm(places[-1] - places[0]) > 0.1
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() < 0.12, "metres a frame at 10 Hz"
    turns = [np.arccos(np.clip((np.trace(a[:3, :3].T @ b[:3, :3]) - 1) / 2, -1, 1)) for a, b in pairwise(poses)]
    assert np.degrees(max(turns)) < 12
    objects = scene.part_bounds[scene.part_labels[:, 2] > 0]
    for place in places:
        assert layout.plan.contains(place - 0.05, place + 0.05)
        assert not ((objects[:, 0] < place + 0.05) & (place - 0.05 < objects[:, 1])).all(1).any()


def test_a_single_view_stands_clear(furnished):
    layout, scene, _ = furnished
    objects = scene.part_bounds[scene.part_labels[:, 2] > 0]
    rng = np.random.default_rng(3)
    for _ in range(5):
        pose = view(layout, scene, CAMERA, rng, tries=2)
        place = pose[:3, 3]
        assert layout.plan.contains(place - 0.1, place + 0.1)
        assert 0.4 <= place[2] <= 1.7
        assert not ((objects[:, 0] < place) & (place < objects[:, 1])).all(1).any()
        assert labels(scene, CAMERA, pose).depth.min() > 0.1


def test_free_space_knows_the_walls():
    layout, scene = furnish("bathroom", np.random.default_rng(2))
    space = FreeSpace(layout, scene, 2.2, 2.3)
    plan = layout.plan
    middle = np.array([[0.3, plan.depth / 3]])
    assert space.at(middle)[0] <= 0.3 + 0.05


def test_light_falls_from_a_window_and_shadows_are_darker():
    """A lamp over a table: the floor beside the table is bright, below it dark."""
    from training.rooms.furniture.item import bulb

    scene = Scene()
    paint = Material(textures.plain((0.7, 0.7, 0.7)))
    scene.add(mesh.box((0, 0, 0), SIZE), paint, "wall")
    scene.add(mesh.box((1.5, 2.0, 0.7), (2.5, 3.0, 0.75)), paint, "table", scene.new_instance())
    scene.ambient = np.full(3, 0.05)
    scene.lights.append(bulb((2.0, 2.5, 2.3), 1.0))
    scene.freeze()
    camera = Camera.centred(60, 60, 30.0)
    picture = radiance(
        scene,
        TextureAtlas(scene.materials),
        camera,
        look(np.array([2.0, 0.3, 0.3]), np.pi / 2),
        np.random.default_rng(0),
    )
    seen = labels(scene, camera, look(np.array([2.0, 0.3, 0.3]), np.pi / 2))
    world = points(camera, look(np.array([2.0, 0.3, 0.3]), np.pi / 2), seen.depth)
    floor = world[..., 2] < 0.01
    under = floor & (np.abs(world[..., 0] - 2) < 0.3) & (np.abs(world[..., 1] - 2.5) < 0.3)
    beside = floor & (np.abs(world[..., 0] - 2) > 0.9) & (np.abs(world[..., 1] - 2.5) < 0.3)
    assert under.any() and beside.any()
    assert picture[under].mean() < 0.35 * picture[beside].mean()
    assert np.isfinite(picture).all() and (picture >= 0).all()


def test_a_mirror_shows_the_room_at_its_own_depth():
    scene = Scene()
    scene.add(mesh.box((0, 0, 0), SIZE), Material(textures.plain((0.1, 0.1, 0.1))), "wall")
    scene.add(
        mesh.box((1.5, 0, 0), (2.5, 0.05, 2.4)), Material(textures.plain((0.9, 0.1, 0.1))), "door", scene.new_instance()
    )
    glass = mesh.panel((0.5, 0, 0.2), (3.5, 0, 2.3)).transformed(mesh.placed(np.pi, (4.0, 4.9, 0)))
    scene.add(glass, Material(textures.plain((1, 1, 1)), mirror=1.0), "mirror", scene.new_instance())
    scene.freeze()
    pose = look(np.array([2.0, 3.0, 1.2]), np.pi / 2)
    seen = labels(scene, CAMERA, pose)
    assert seen.semantic[30, 40] == CLASS_IDS["mirror"]
    assert seen.depth[30, 40] == pytest.approx(1.9)
    picture = radiance(scene, TextureAtlas(scene.materials), CAMERA, pose, np.random.default_rng(0))
    red = picture[30, 40]
    assert red[0] > 4 * red[1], "the red door behind the camera"


def test_rooms_hold_many_classes():
    classes: set[int] = set()
    for i, kind in enumerate(RECIPES):
        classes |= set(furnish(kind, np.random.default_rng([0, i]))[1].face_class.tolist())
    assert len(classes) >= 25
    assert classes >= {
        CLASS_IDS[n] for n in ("bed", "chair", "table", "sofa", "desk", "toilet", "bathtub", "sink", "refrigerator")
    }

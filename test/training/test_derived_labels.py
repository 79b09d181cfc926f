"""Labels made of others: normals of depth, edges of classes, offsets of objects; and what a view makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mtl_perception.dataset_folder import DatasetError, DatasetFolder, DatasetInfo, Intrinsics
from mtl_perception.dataset_writer import DatasetWriter
from training.datasets.augmentation import View
from training.datasets.canonical_camera import CanonicalCamera
from training.datasets.derived.edges import EDGE, NO_EDGE, UNKNOWN_EDGE, edges_of_semantic
from training.datasets.derived.normals import normals_of_depth
from training.datasets.derived.offsets import offsets_of_instance
from training.datasets.derived.sources import read_derived
from training.datasets.folder import FolderDataset
from training.datasets.label_choice import LabelChoice
from training.datasets.sample import UNKNOWN_EDGE_PROBABILITY, collate
from training.frame_prediction import enlarged, mirrored
from training.metrics.normals import angles

HEIGHT, WIDTH = 96, 128
CAMERA = Intrinsics(100.0, 110.0, 60.0, 50.0)
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
RAYS = np.stack([(COLUMNS - CAMERA.cx) / CAMERA.fx, (ROWS - CAMERA.cy) / CAMERA.fy, np.ones((HEIGHT, WIDTH))], -1)
CANONICAL = CanonicalCamera(64, 96, 80.0)


def plane(normal: np.ndarray, distance: float = 3.0) -> np.ndarray:
    """Depth of the plane through (0, 0, distance), as seen by ``CAMERA``; 0 where it is not seen."""
    along = RAYS @ normal
    depth = distance * normal[2] / np.where(np.abs(along) > 1e-6, along, -1)
    return np.where((depth > 0.3) & (depth < 50), depth, 0).astype(np.float32)


def ball(radius: float = 1.0, distance: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Depth and normals of a ball, 0 beside it."""
    centre = np.array([0.2, -0.1, distance])
    a, b = (RAYS**2).sum(-1), RAYS @ centre
    under = b**2 - a * (centre @ centre - radius**2)
    depth = np.where(under > 0, (b - np.sqrt(np.maximum(under, 0))) / a, 0)
    normals = (depth[..., None] * RAYS - centre) / radius
    return depth.astype(np.float32), np.where(depth[..., None] > 0, normals, 0)


SLANTS = ((0.36, 0.48, -0.8), (-0.6, 0.0, -0.8), (0.0, 0.28, -0.96))
tilts = st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8)).map(
    lambda t: np.array([t[0], t[1], -1.0]) / np.linalg.norm([t[0], t[1], -1.0])
)
views = st.tuples(st.integers(64, 128), st.floats(0, 1), st.floats(0, 1), st.booleans()).map(
    lambda v: View(int(v[1] * (WIDTH - v[0])), int(v[2] * (HEIGHT - v[0] * 3 // 4)), v[0], v[0] * 3 // 4, v[3])
)


@settings(max_examples=40)
@given(normal=tilts)
def test_the_normals_of_a_plane_are_its_own_at_any_slant(normal):
    depth = plane(normal)
    found = normals_of_depth(depth, CAMERA)
    known = (found != 0).any(-1)
    assert (known == (depth > 0)).mean() > 0.95
    assert angles(found[known], np.broadcast_to(normal, found[known].shape)).max() < 0.1


def test_the_normals_of_a_ball_point_from_its_centre():
    depth, truth = ball()
    found = normals_of_depth(depth, CAMERA)
    known = (found != 0).any(-1)
    assert known[depth > 0].mean() > 0.8 and not known[depth == 0].any()
    assert np.median(angles(found[known], truth[known])) < 0.5
    np.testing.assert_allclose(np.linalg.norm(found[known], axis=-1), 1, atol=1e-5)


def test_a_step_of_depth_has_no_normal_and_holes_do_not_spread():
    depth = np.where(COLUMNS < 64, 2.0, 3.0).astype(np.float32)
    depth[20:22, 20:22] = 0
    found = normals_of_depth(depth, CAMERA)
    known = (found != 0).any(-1)
    np.testing.assert_allclose(found[known], np.broadcast_to([0, 0, -1], found[known].shape), atol=1e-4)
    assert not known[:, 63:65].any() and not known[20:22, 20:22].any()
    assert known[1:-1, 1:60].sum() == 59 * (HEIGHT - 2) - 4 and known[1:-1, 68:-1].all()


def test_noise_of_a_depth_camera_leaves_normals_near_the_truth():
    rng = np.random.default_rng(0)
    depth = plane(np.array([0, 0, -1.0]), 1.0) + rng.normal(0, 1e-3, (HEIGHT, WIDTH)).astype(np.float32)
    found = normals_of_depth(depth, CAMERA)
    assert np.median(angles(found, np.broadcast_to([0.0, 0, -1], found.shape)[...])) < 5


@settings(max_examples=40)
@given(classes=st.integers(2, 4), seed=st.integers(0, 99))
def test_edges_are_where_a_neighbour_is_of_another_class(classes, seed):
    """Against scipy: morphological gradient of the class ids over the cross of four neighbours."""
    rng = np.random.default_rng(seed)
    semantic = ndimage.zoom(rng.integers(1, classes + 1, (4, 5)), 6, order=0).astype(np.uint8)
    cross = ndimage.generate_binary_structure(2, 1)
    expected = ndimage.morphological_gradient(semantic.astype(int), footprint=cross, mode="nearest") > 0
    np.testing.assert_array_equal(edges_of_semantic(semantic) == EDGE, expected)
    assert set(np.unique(edges_of_semantic(semantic))) <= {EDGE, NO_EDGE}


def test_an_unlabelled_pixel_is_no_edge_and_may_hide_one():
    edges = edges_of_semantic(np.array([[1, 1, 0, 2, 2, 3]], np.uint8))
    assert edges.tolist() == [[NO_EDGE, UNKNOWN_EDGE, UNKNOWN_EDGE, UNKNOWN_EDGE, EDGE, EDGE]]


def test_offsets_end_at_the_centre_of_mass():
    rng = np.random.default_rng(0)
    instance = ndimage.zoom(rng.integers(0, 5, (5, 6)), 8, order=0).astype(np.uint16)
    offsets = offsets_of_instance(instance)
    rows, columns = np.indices(instance.shape)
    for i in range(1, 5):
        y, x = ndimage.center_of_mass(instance == i)
        ends = offsets[instance == i] + np.stack([columns, rows], -1)[instance == i]
        np.testing.assert_allclose(ends, np.broadcast_to([x, y], ends.shape), atol=1e-3)
    assert np.isnan(offsets[instance == 0]).all()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> DatasetFolder:
    """A slanted plane, and a ball; classes and objects in blocks of 16 pixels."""
    root = tmp_path_factory.mktemp("scenes") / "scenes"
    info = DatasetInfo(WIDTH, HEIGHT, "CC0-1.0", "test", CAMERA, 10000.0, {1: "a", 2: "b"})
    writer = DatasetWriter(root, info)
    block = (ROWS // 16 + COLUMNS // 16) % 2
    numbered = (ROWS // 16 * 8 + COLUMNS // 16) * block
    rgb = np.full((HEIGHT, WIDTH, 3), 99, np.uint8)
    planes = {f"plane{i}": plane(np.array(n), 2) for i, n in enumerate(SLANTS)}
    for name, depth in {**planes, "ball": ball()[0]}.items():
        depth = np.where(depth < 6.5, depth, 0)
        semantic = (1 + block).astype(np.uint8)
        writer.write_frame(name, rgb, depth=depth, semantic=semantic, instance=numbered.astype(np.uint16))
    writer.finish()
    return DatasetFolder(root)


@pytest.fixture(scope="module")
def dataset(scenes):
    choice = LabelChoice(derived=("normals", "edges", "offsets"))
    return FolderDataset(scenes, ["plane0", "ball", "plane1", "plane2"], CANONICAL, augment=False, choice=choice)


@settings(max_examples=40)
@given(view=views, frame=st.sampled_from([0, 2, 3]))
def test_normals_of_a_view_are_those_of_its_depth_through_the_canonical_camera(dataset, view, frame):
    """Whichever way a view is flipped and zoomed, its depth and normals tell of one plane."""
    sample = dataset._view(dataset.frames[frame], view)
    depth, normals = sample["depth"].numpy(), sample["normals"].permute(1, 2, 0).numpy()
    rows, columns = np.nonzero((depth > 0) & (normals != 0).any(-1))
    assume(len(rows) > 500)
    x, y = ((p - (size - 1) / 2) / 80 for p, size in ((columns, CANONICAL.width), (rows, CANONICAL.height)))
    # 1/Z is linear in x and y; its coefficients are the normal.
    fitted = -np.linalg.lstsq(np.stack([x, y, np.ones(len(x))], -1), 1 / depth[rows, columns], rcond=None)[0]
    fitted /= np.linalg.norm(fitted)
    # Depth is of the nearest pixels: half a pixel of the frame beside the view's own.
    assert angles(normals[rows, columns], np.broadcast_to(fitted, (len(x), 3))).max() < 1.5


@settings(max_examples=20)
@given(view=views)
def test_the_true_normals_can_be_had_back_from_a_views(scenes, view):
    truth = read_derived(scenes, "normals", "ball").astype(np.float32)
    seen = CANONICAL.normals(truth, CAMERA, view)
    np.testing.assert_allclose(np.linalg.norm(seen[truth.any(-1)], axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(CANONICAL.true_normals(seen, CAMERA, view), truth, atol=1e-5)


@settings(max_examples=25)
@given(view=views)
def test_a_mirrored_view_mirrors_what_points_sideways(dataset, view):
    plain, other = (
        dataset._view(dataset.frames[1], View(view.left, view.top, view.width, view.height, mirrored=m)) for m in (0, 1)
    )
    turn = torch.tensor([-1.0, 1, 1]).view(3, 1, 1)
    torch.testing.assert_close(other["normals"], plain["normals"].flip(-1) * turn)
    torch.testing.assert_close(other["offsets"], plain["offsets"].flip(-1) * turn[:2], equal_nan=True)
    assert torch.equal(other["edges"], plain["edges"].flip(-1))


def test_a_mirrored_batch_is_a_batch_of_mirrored_views(dataset):
    """What a teacher is asked of the mirrored picture is what it would have been trained on."""
    plain, other = (
        collate([dataset._view(dataset.frames[1], View(0, 0, WIDTH, HEIGHT, mirrored=m))]) for m in (False, True)
    )
    for key, value in mirrored(plain).items():
        torch.testing.assert_close(value, other[key], equal_nan=True)


@settings(max_examples=25)
@given(view=views)
def test_offsets_of_a_view_still_end_at_the_centre(dataset, scenes, view):
    """Followed from any pixel of a view, they end where the view shows the object's centre."""
    sample = dataset._view(dataset.frames[0], view)
    placed = CANONICAL.place(view.height, view.width)
    zoom = np.array([placed.width / view.width, placed.height / view.height])
    corner = np.array([placed.left, placed.top])
    instance = scenes.read_instance("plane0")
    for v, u in ((10, 20), (30, 50), (60, 80)):
        x = (CANONICAL.width - 1 - u if view.mirrored else u) + 0.5
        column, row = view.left + int((x - corner[0]) / zoom[0]), view.top + int((v + 0.5) / zoom[1])
        offset = sample["offsets"][:, v, u].numpy() * CANONICAL.width
        if instance[row, column] == 0:
            assert np.isnan(offset).all()
            continue
        y, x_centre = ndimage.center_of_mass(instance == instance[row, column])
        end = corner + (np.array([x_centre, y]) + 0.5 - (view.left, view.top)) * zoom - 0.5
        end[0] = CANONICAL.width - 1 - end[0] if view.mirrored else end[0]
        np.testing.assert_allclose(np.array([u, v]) + offset, end, atol=max(0.6 * zoom.max(), 0.9))


@settings(max_examples=25)
@given(view=views)
def test_edges_of_a_view_are_unbroken_lines(dataset, view):
    """Every change of class between neighbouring pixels of a view lies on an edge, and edges lie by changes."""
    sample = dataset._view(dataset.frames[0], view)
    left, width = CANONICAL.place(view.height, view.width).left, CANONICAL.place(view.height, view.width).width
    beside = np.r_[:left, left + width : CANONICAL.width]
    beside = CANONICAL.width - 1 - beside if view.mirrored else beside
    assert len(beside) and (sample["edges"][:, beside] == UNKNOWN_EDGE_PROBABILITY).all()
    semantic, edges = (np.delete(sample[key].numpy(), beside, axis=1) for key in ("semantic", "edges"))
    assert set(np.unique(edges)) <= {0.0, 1.0}
    changes = edges_of_semantic(semantic.astype(np.uint8)) == EDGE
    near_edge, near_change = (ndimage.binary_dilation(m, iterations=2) for m in (edges > 0, changes))
    assert near_edge[changes].all()
    assert near_change[2:-2, 2:-2][edges[2:-2, 2:-2] > 0].mean() > 0.97


def test_labels_that_nobody_wants_are_not_made(scenes):
    sample = FolderDataset(scenes, ["ball"], CANONICAL, augment=False)[0]
    assert set(sample) == {"image", "depth", "semantic"}


def test_unknown_edges_stay_unknown(tmp_path):
    writer = DatasetWriter(tmp_path / "u", DatasetInfo(64, 64, "CC0-1.0", "test", CAMERA, classes={1: "a"}))
    semantic = np.ones((64, 64), np.uint8)
    semantic[:, :32] = 0
    writer.write_frame("f", np.zeros((64, 64, 3), np.uint8), semantic=semantic)
    writer.finish()
    choice = LabelChoice(derived=("edges",))
    dataset = FolderDataset(DatasetFolder(tmp_path / "u"), ["f"], CanonicalCamera(32, 32, 50.0), False, choice)
    edges = dataset[0]["edges"].numpy()
    assert (edges[:, :16] == UNKNOWN_EDGE_PROBABILITY).all() and (edges[:, 17:] == 0).all()


def test_normals_need_a_camera(tmp_path, scenes):
    blind = DatasetFolder(scenes.root)
    object.__setattr__(blind.info, "intrinsics", None)
    with pytest.raises(DatasetError, match="no intrinsics, and normals need them"):
        read_derived(blind, "normals", "ball")


def test_an_enlarged_picture_is_what_a_longer_lens_sees():
    """As is the middle of a frame, which the canonical camera takes for all of it: depth and normals are alike."""
    lens, whole, middle = Intrinsics(50, 50, 31.5, 31.5), View(0, 0, 64, 64), View(16, 16, 32, 32)
    camera = CanonicalCamera(64, 64, 50)
    slanted = np.array([0.48, 0.36, -0.8], np.float32)
    seen, closer = (torch.from_numpy(camera.normals(slanted, lens, view)).float() for view in (whole, middle))
    batch = {"image": torch.zeros(1, 3, 64, 64), "depth": torch.full((1, 1, 64, 64), 3.0)}
    batch["normals"] = seen.view(1, 3, 1, 1).repeat(1, 1, 64, 64)
    batch["normals"][..., :32] = 0
    larger = enlarged(batch, 2)
    torch.testing.assert_close(larger["normals"][0, :, 0, -1], closer)
    assert not larger["normals"][..., :64].any()
    assert larger["depth"].unique().tolist() == [1.5]
    factors = [camera.depth_factor(lens.fx, view.height, view.width) for view in (whole, middle)]
    assert factors[1] / factors[0] == 0.5

"""What is said before training of how tasks go together: checked against other ways to the same numbers."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from ball_folder import write_folder
from complete_folder import write_complete_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, ortho_group
from torchmetrics.functional.clustering import normalized_mutual_info_score

from training.__main__ import main
from training.transferability.h_score import h_score
from training.transferability.label_information import JointCounts, QuantileBins
from training.transferability.log_me import log_me
from training.transferability.measures import measure_pairs
from training.transferability.rank_correlation import rank_correlations
from training.transferability.representation_similarity import linear_cka, representation_similarity
from training.transferability.sampling import Points
from training.transferability.table import markdown

pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # of torchmetrics

examples = settings(max_examples=25)
seeds = st.integers(0, 10**6)


def counted(a, b, first=5, second=5) -> JointCounts:
    counts = JointCounts(first, second)
    counts.update(np.asarray(a), np.asarray(b))
    return counts


@examples
@given(seeds)
def test_mutual_information_is_that_of_torchmetrics(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 5, 300)
    b = np.where(rng.random(300) < 0.6, a, rng.integers(0, 5, 300))
    expected = normalized_mutual_info_score(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert counted(a, b).normalised_mutual_information() == pytest.approx(expected, abs=1e-4)


def test_a_label_that_decides_another_leaves_nothing_unknown_and_the_other_way_something():
    a = np.arange(640) % 4
    decides = counted(a, a // 2)
    assert decides.conditional_entropy() == pytest.approx(0, abs=1e-12)
    assert counted(a // 2, a).conditional_entropy() == pytest.approx(np.log(2))
    assert counted(a, a).normalised_mutual_information() == pytest.approx(1)
    independent = counted(a, np.arange(640) // 160)
    assert independent.normalised_mutual_information() == pytest.approx(0, abs=1e-9)


def test_pixels_without_a_label_do_not_count_and_frames_add_up():
    counts = counted([[0, 1], [-1, 9]], [[1, 1], [0, 0]])
    counts.update(np.array([2]), np.array([-1]))
    counts.update(np.array([1]), np.array([1]))
    assert counts.counts.sum() == 3 and counts.counts[1, 1] == 2
    assert np.isnan(JointCounts(2, 2).conditional_entropy())
    assert np.isnan(counted([1, 1], [0, 0]).normalised_mutual_information())


@examples
@given(seeds, st.integers(2, 9))
def test_bins_are_filled_alike_and_keep_the_order(seed, bins):
    values = np.random.default_rng(seed).lognormal(size=2000)
    cut = QuantileBins(values, bins)
    labels = cut(values)
    assert cut.labels == bins and np.bincount(labels, minlength=bins).min() >= 2000 // bins - 1
    order = np.argsort(values)
    assert (np.diff(labels[order]) >= 0).all()


def test_channels_are_cut_each_on_its_own_and_a_constant_label_is_one_bin():
    values = np.random.default_rng(0).normal(size=(4000, 2))
    cut = QuantileBins(values, 2)
    labels = cut(values.reshape(40, 100, 2))
    assert cut.labels == 4 and labels.shape == (40, 100) and set(np.unique(labels)) == {0, 1, 2, 3}
    flat = QuantileBins(np.full(50, 3.0), 8)
    assert len(np.unique(flat(np.full((5, 5), 3.0)))) == 1


@pytest.mark.parametrize("shape", [(60, 5), (20, 30)])
def test_log_me_is_the_evidence_at_its_maximum(shape):
    rng = np.random.default_rng(1)
    f = rng.normal(size=shape)
    y = f @ (rng.normal(size=shape[1]) * 0.5) + rng.normal(size=shape[0])

    def negative(logs):
        alpha, beta = np.exp(np.clip(logs, -20, 20))
        covariance = f @ f.T / alpha + np.eye(len(y)) / beta
        return -multivariate_normal(np.zeros(len(y)), covariance).logpdf(y)

    best = min(minimize(negative, start, method="Nelder-Mead").fun for start in ([0, 0], [2, 0], [0, 2]))
    assert log_me(f, y) == pytest.approx(-best / len(y), abs=1e-3)


def test_log_me_prefers_features_that_carry_the_classes():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 400)
    telling = np.eye(4)[labels] + rng.normal(0, 0.3, (400, 4))
    assert log_me(telling, labels) > log_me(rng.normal(size=(400, 4)), labels) + 0.1
    with pytest.raises(ValueError, match="400 features and 3 targets"):
        log_me(telling, labels[:3])


@examples
@given(seeds)
def test_h_score_is_what_labels_explain_whatever_the_basis(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 500)
    f = rng.normal(size=(500, 4))
    f[:, 0] += 2 * labels
    skewed = f @ (rng.normal(size=(4, 4)) + 3 * np.eye(4)) + 5
    assert h_score(skewed, labels) == pytest.approx(h_score(f, labels), rel=1e-4)
    # Of one feature it is the share of its variance that lies between the labels.
    means = np.array([f[labels == k, 0].mean() for k in range(3)])[labels]
    assert h_score(f[:, :1], labels) == pytest.approx(means.var() / f[:, 0].var(), rel=1e-6)
    assert h_score(np.c_[f[:, 0], f[:, 0]], labels) == pytest.approx(h_score(f[:, :1], labels), rel=1e-4)


@examples
@given(seeds)
def test_likeness_does_not_change_with_basis_or_scale_and_is_one_of_the_same(seed):
    rng = np.random.default_rng(seed)
    f, other = rng.normal(size=(30, 6)), rng.normal(size=(30, 9))
    turned = 3 * f @ ortho_group.rvs(6, random_state=seed % 1000)
    assert linear_cka(f, turned + 7) == pytest.approx(1)
    assert linear_cka(f, other) == pytest.approx(linear_cka(turned, other))
    assert linear_cka(f, other) < 0.9
    assert representation_similarity(f, 3 * f + 2) == pytest.approx(1)
    assert abs(representation_similarity(f, other)) < 0.5


def test_cka_is_hsic_over_its_norms():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 7))
    centre = np.eye(20) - 1 / 20
    k, kernel = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    expected = (k * kernel).sum() / np.sqrt((k * k).sum() * (kernel * kernel).sum())
    assert linear_cka(x, y) == pytest.approx(expected)
    assert np.isnan(linear_cka(np.ones((5, 2)), rng.normal(size=(5, 3))))
    with pytest.raises(ValueError, match="features of 5 and 4 inputs"):
        linear_cka(np.ones((5, 2)), np.ones((4, 2)))


def labelled_points() -> Points:
    """Classes that decide the depth, but for noise; edges that have nothing to do with either."""
    rng = np.random.default_rng(5)
    classes = rng.integers(1, 4, 4000)
    depth = classes + rng.normal(0, 0.05, 4000)
    depth[::10] = np.nan
    edges = rng.integers(-1, 2, 4000)
    features = {
        "semantic": np.eye(4)[classes] + rng.normal(0, 0.2, (4000, 4)),
        "edges": rng.normal(size=(4000, 4)),
    }
    pooled = {name: f.reshape(50, 80, 4).mean(1) for name, f in features.items()}
    return Points({"semantic": classes, "depth": depth[:, None], "edges": edges}, features, pooled)


def test_each_measure_ranks_what_belongs_together_first():
    pairs = measure_pairs(labelled_points())
    assert set(pairs) == {
        f"{a}>{b}" for a in ("semantic", "depth", "edges") for b in ("semantic", "depth", "edges") if a != b
    }
    told, untold = pairs["semantic>depth"], pairs["edges>depth"]
    assert told["conditional_entropy"] < untold["conditional_entropy"]
    for measure in ("mutual_information", "log_me", "h_score"):
        assert told[measure] > untold[measure] + 0.1, measure
    assert "log_me" not in pairs["depth>semantic"] and "cka" not in told
    assert -1 <= pairs["semantic>edges"]["rsa"] <= 1 and 0 <= pairs["semantic>edges"]["cka"] <= 1


def test_what_is_hardly_labelled_is_not_measured():
    points = labelled_points()
    points.labels["depth"][50:] = np.nan
    told = measure_pairs(points)["semantic>depth"]
    assert all(np.isnan(value) for value in told.values())


def test_a_measure_that_foretells_correlates_whichever_way_it_counts():
    gains = {"a>b": 3.0, "b>a": 1.0, "a>c": 2.0, "c>a": 0.0, "b>c": 9.0}
    pairs = {
        pair: {
            "conditional_entropy": -gain,
            "mutual_information": -gain,
            "cka": 0.5,
            "rsa": gain if gain > 1 else np.nan,
        }
        for pair, gain in gains.items()
        if pair != "b>c"
    }
    found = rank_correlations(pairs, gains)
    assert found.keys() == {"conditional_entropy", "mutual_information"}
    entropy, information = found.values()
    assert (entropy["spearman"], entropy["kendall"], entropy["pairs"]) == (pytest.approx(1), pytest.approx(1), 4)
    assert information["spearman"] == pytest.approx(-1)
    # Of two sources for one target: b or c for a, a alone for b, a alone for c (b>c is not known).
    assert (entropy["right"], entropy["choices"]) == (1, 1) and information["right"] == 0


def test_a_measure_that_knows_targets_only_correlates_and_chooses_no_better_than_chance():
    gains = {f"{source}>{target}": 10 * i + j for i, target in enumerate("abc") for j, source in enumerate("xyz")}
    pairs = {pair: {"log_me": gain // 10} for pair, gain in gains.items()}
    (found,) = rank_correlations(pairs, gains).values()
    assert found["spearman"] > 0.9 and (found["right"], found["choices"]) == (4.5, 9)


def test_the_page_tells_how_each_measure_ranks_the_pairs_where_gains_are_known():
    pairs = {"depth>semantic": {"log_me": 0.5}, "semantic>depth": {"log_me": None}}
    content = {"frames": "house:train", "count": 200, "seed": 0, "networks": [], "pairs": pairs}
    found = {"spearman": 0.912, "spearman_p": 0.0012, "kendall": 0.8, "pairs": 9, "right": 4.5, "choices": 9}
    page = markdown({**content, "rank_correlation": {"log_me": found}}, {"log_me": "LogME"}, "ranks.png")
    assert "| depth | semantic | 0.500 |" in page and "| semantic | depth | - |" in page
    assert "| `log_me` | 0.91 (0.0012) | 0.80 | 9 | 4.5 of 9 |" in page and "](ranks.png)" in page
    without = markdown({**content, "rank_correlation": {}}, {"log_me": "LogME"}, "ranks.png")
    assert page.startswith(without.rstrip()) and "by chance" not in without and "ranks.png" not in without


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("transferability")
    write_folder(home / "balls", 24)
    return home


FIT = [
    *("--data.train", '["balls"]', "--data.root", ".", "--data.height", "64", "--data.width", "64"),
    *("--data.focal_length", "50", "--data.batch_size", "2", "--data.workers", "0", "--trainer.accelerator", "cpu"),
    *("--model.backbone", "mobilenetv4_conv_small", "--model.head_widths", "[8,8,8,8]", "--trainer.max_steps", "1"),
]


def test_labels_and_networks_of_a_folder_are_measured(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    for task in ("depth", "semantic"):
        assert main(["fit", *FIT, "--model.tasks", f'["{task}"]', "--name", task]) == 0
    checkpoints = [f"runs/{task}/last.ckpt" for task in ("depth", "semantic")]
    command = ["transferability", "balls", "--tasks", "depth", "semantic", "edges", "--out", "told.md", "--networks"]
    assert main([*command, *checkpoints]) == 0
    content = json.loads((home / "told.json").read_text())
    assert content["count"] == 12 and content["networks"] == ["depth", "semantic"]
    pairs = content["pairs"]
    # A ball folder's classes decide its depth; of edges depth tells less than classes do.
    assert pairs["semantic>depth"]["conditional_entropy"] == pytest.approx(0, abs=1e-9)
    assert pairs["semantic>depth"]["cka"] == pytest.approx(pairs["depth>semantic"]["cka"])
    assert pairs["edges>depth"].keys() == {"conditional_entropy", "mutual_information"}
    assert "| depth | semantic | " in (home / "told.md").read_text()
    assert not content["rank_correlation"]
    first = (home / "told.json").read_bytes()
    assert main([*command, *checkpoints]) == 0 and (home / "told.json").read_bytes() == first

    gains = {pair: {"relative": 0.1 * i} for i, pair in enumerate(pairs)}
    (home / "matrix.json").write_text(json.dumps({"study": "s", "tasks": [], "labels": {}, "pairs": gains}))
    assert main([*command, *checkpoints, "--affinity", "matrix.json"]) == 0
    correlations = json.loads((home / "told.json").read_text())["rank_correlation"]
    assert correlations["mutual_information"]["pairs"] == 6 and correlations["log_me"]["pairs"] == 4
    assert "| `log_me` | " in (home / "told.md").read_text()

    capsys.readouterr()
    assert main([*command, checkpoints[0], checkpoints[0]]) == 2
    assert "is a second network of depth" in capsys.readouterr().err


def test_a_study_says_what_to_look_at_and_has_the_matrix(tmp_path, monkeypatch):
    write_complete_folder(tmp_path / "house", train=8)
    monkeypatch.chdir(tmp_path)
    command = ["transferability", "house", "--cheap", "--root", str(tmp_path)]
    assert main(command) == 0
    out = tmp_path / "runs" / "affinity_house_cheap"
    content = json.loads((out / "transferability.json").read_text())
    assert content["frames"] == "house:train" and not content["rank_correlation"] and not content["networks"]
    assert {pair.split(">")[0] for pair in content["pairs"]} == {"depth", "semantic", "normals", "edges"}

    gains = {pair: {"relative": 0.1 * i} for i, pair in enumerate(content["pairs"])}
    (out / "affinity_house_cheap.json").write_text(
        json.dumps({"study": "s", "tasks": [], "labels": {}, "pairs": gains})
    )
    assert main(command) == 0
    assert json.loads((out / "transferability.json").read_text())["rank_correlation"]
    assert "](transferability.png)" in (out / "transferability.md").read_text()
    assert cv2.imread(str(out / "transferability.png")).std() > 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["balls", "--tasks", "depth", "semantic"], "balls is no study (house): say --tasks and --out"),
        (["balls", "--tasks", "depth", "depth", "--out", "a.md"], "two different ones are needed"),
        (["balls", "--tasks", "depth", "offsets", "--out", "a.md"], "0 frames have depth and offsets together"),
        (["balls", "--tasks", "depth", "semantic", "--out", "a.txt"], "is a file *.md"),
        (["flat", "--tasks", "depth", "semantic", "--out", "a.md"], "semantic is the same everywhere"),
        (
            ["balls", "--tasks", "depth", "semantic", "--out", "a.md", "--affinity", "none.json"],
            "cannot read the matrix",
        ),
        (["balls", "--tasks", "depth", "semantic", "--out", "a.md", "--affinity", "list.json"], "is no matrix of"),
        (["nowhere", "--tasks", "depth", "semantic", "--out", "a.md"], "nowhere is no data set folder"),
    ],
)
def test_what_cannot_be_told_is_one_line(home, monkeypatch, capsys, arguments, complaint):
    monkeypatch.chdir(home)
    if not (home / "flat").exists():
        shutil.copytree(home / "balls", home / "flat")
        for path in (home / "flat" / "semantic").iterdir():
            cv2.imwrite(str(path), np.ones((48, 64), np.uint8))
    (home / "list.json").write_text("[]")
    assert main(["transferability", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert complaint in error and len(error.splitlines()) == 1
    assert not (home / "a.md").exists()

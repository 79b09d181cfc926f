import copy
import json
import math
import random
import re
from dataclasses import replace

import evaluated_recording as evaluated
import numpy as np
import pytest
from page_text import read_page

from mtl_perception.evaluation.report import write_report

ERRORS = {"house_rooms": 0.08, "rooms_only": 0.14, "teacher": 0.03}
NO_NUMBER = re.compile(r"\b(nan|None|null|inf|infinity|undefined|NaN)\b")


@pytest.fixture(scope="module")
def models():
    return [evaluated.model(name, error) for name, error in ERRORS.items()]


@pytest.fixture
def write(tmp_path):
    """Write a report and read the page back."""

    def write(metrics, pictures=(), frames=None):
        write_report(tmp_path / "report.html", metrics, pictures, frames)
        return read_page(tmp_path / "report.html")

    return write


def words(element):
    return element.text().replace("\N{NO-BREAK SPACE}", " ")


def table(page, caption):
    (found,) = [t for t in page.all("table") if words(t.one("caption")) == caption]
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in found.rows()]


def tiles(page):
    return {words(t.one("h4")): words(t) for t in page.all(class_="tile")}


def test_one_model_is_told_in_full(write, models, tmp_path):
    frames = evaluated.write_frames(tmp_path / "frames.csv", {"house_rooms": 0.08})
    metrics = evaluated.metrics(models[:1])
    page = write(metrics, evaluated.pictures("house_rooms", 0.08), frames)
    depth, classes = models[0]["depth"], models[0]["segmentation"]

    assert words(page.one("h1")) == "Evaluation on kitchen.mcap"
    assert "350 frames in 34.9 s: all with measured depth, all with labels." in words(page)
    assert not page.all(class_="partial")
    told = tiles(page)
    assert list(told) == ["Depth", "Classes", "Speed of the network"]
    assert f"{100 * depth['abs_rel']:.1f} % off on average" in told["Depth"]
    assert f"{100 * classes['pixel_accuracy']:.1f} % of pixels right" in told["Classes"]
    assert "Worst: lamp" in told["Classes"]
    assert "Faster than the recording's 10.0 frames a second." in told["Speed of the network"]

    rows = {row[0]: row[1] for row in table(page, "Figures") if len(row) > 2}
    assert rows["rmse"] == f"{depth['rmse']:.3f} m"
    assert rows["abs rel"] == f"{100 * depth['abs_rel']:.1f} %"
    assert rows["mIoU, classes present"] == f"{100 * classes['miou_present']:.1f} %"
    assert rows["network, p95"] == "91.2 ms"
    for row, entry in zip(table(page, "Depth by true distance")[1:], depth["by_distance"], strict=True):
        assert row[0] == f"{entry['from']:g} to {entry['to']:g} m"
        assert row[2:4] == [f"{100 * entry['abs_rel']:.1f} %", f"{entry['rmse']:.3f} m"]
    per_class = {row[0]: row[2:] for row in table(page, "Each class")[1:]}
    assert per_class == {
        c["name"]: [f"{100 * c[k]:.1f} %" for k in ("iou", "precision", "recall")] for c in classes["classes"]
    }
    assert table(page, "Confusion matrix")[0][1:] == ["wall", "floor", "box", "curtain", "lamp", "no class"]

    assert words(page.all("h5")[0]).startswith("Worst: depth error ")
    assert len(page.all("img")) == 6 * 4
    captions = [words(c) for c in page.all(class_="pictures")[0].all("figcaption")]
    assert captions == ["camera", "depth, true", "depth, predicted", "depth error"]
    plots = [words(f.one("figcaption")) for f in page.all("figure", class_="plot")]
    assert plots == [
        "Depth error over distance",
        "Too near (below 0) or too far, over distance",
        "Depth error over the recording",
        "Classes over the recording",
        "Network time",
    ]
    text = words(page)
    for fact in ("/camera/image_raw/compressed", "7 frames", "stamps jump back by 1.2 s at frame 17", "Apache-2.0",
                 "ab" * 32, "onnxruntime", "1.31.1", "rooms val (100 frames): rmse 0.345"):  # fmt: skip
        assert fact in text
    assert not NO_NUMBER.search(text)


def test_models_stand_side_by_side_and_the_best_is_marked(write, models):
    page = write(evaluated.metrics(models), [p for n, e in ERRORS.items() for p in evaluated.pictures(n, e)])
    assert [words(h) for h in page.one("section", **{"aria-labelledby": "verdict"}).all("h3")] == list(ERRORS)
    compared = {words(d.one("dt")): words(d.one("dd")) for d in page.one(class_="comparison").all("div")}
    assert compared["Least depth error"].startswith("teacher, ")
    assert set(compared) == {"Least depth error", "Best mIoU", "Most frames a second"}

    rows = {row[0]: row[1:] for row in table(page, "Figures, side by side")}
    assert rows["figure"][:3] == list(ERRORS)
    assert [cell.startswith("best: ") for cell in rows["abs rel"][:3]] == [False, False, True]
    assert [cell.startswith("best: ") for cell in rows["delta 1"][:3]] == [False, False, True]
    assert not any(cell.startswith("best: ") for cell in rows["pixels"])
    header, models_row, *_ = table(page, "Each class")
    assert header == ["", "IoU", "precision", "recall"]
    assert models_row == ["class", "share of pixels", *list(ERRORS) * 3]
    assert len(page.all("table", class_="matrix")) == 3
    assert [words(li) for li in page.all(class_="legend")[0].all("li")] == list(ERRORS)
    curves = page.all("figure", class_="plot")[0].all("polyline")
    assert [c.attributes["class"] for c in curves] == ["s0", "s1", "s2"]
    assert len(page.all("img")) == 3 * 6 * 4


def test_classes_of_models_that_know_others_are_told_by_name(write, models):
    other = evaluated.model("other", 0.1, names=("wall", "floor", "crate", "lamp", "curtain"))
    page = write(evaluated.metrics([models[0], other]))
    rows = {row[0]: row[2:4] for row in table(page, "Each class")[2:]}
    assert rows["box"][1] == rows["crate"][0] == "–"  # noqa: RUF001
    assert "–" not in rows["wall"]  # noqa: RUF001


def test_classes_that_never_occur_are_no_rows_of_the_table(write, models):
    model = copy.deepcopy(models[0])
    model["segmentation"]["classes"] += [{"id": 6, "name": "sofa", "pixels": 0, "iou": 0.0, "precision": 0.0}]
    page = write(evaluated.metrics([model]))
    assert "sofa" not in [row[0] for row in table(page, "Each class")]
    assert "Predicted though never there: sofa." in words(page)
    assert "by rooms_only though never there" not in words(write(evaluated.metrics([model, models[1]])))


def test_a_best_figure_is_not_claimed_where_all_are_equal(write, models):
    twin = {**copy.deepcopy(models[0]), "name": "twin"}
    page = write(evaluated.metrics([models[0], twin]))
    assert len(page.all("table", class_="figures")) == 3
    assert not page.all(class_="best")


def test_without_truth_the_page_says_that_nothing_is_known(write, models):
    bare = {k: v for k, v in models[0].items() if k not in ("depth", "segmentation")}
    second = {**bare, "name": "b", "agreement": {"with": "house_rooms", "depth_abs_rel": 0.0912, "class_share": 0.88}}
    metrics = evaluated.metrics([bare, second])
    metrics["bag"] |= {"with_depth": 0, "with_labels": 0}
    page = write(metrics, evaluated.pictures("house_rooms", 0.08, truth=False))
    text = words(page)
    assert "none with measured depth, none with labels" in text
    assert text.count("No true depth: nothing here says whether depth is right.") == 2
    assert "It changes by 2.8 % from frame to frame (median)." in text
    assert "It differs by 9.1 % from that of house_rooms." in text
    assert not page.all("section", **{"aria-labelledby": "where"})
    captions = [words(c) for c in page.one(class_="pictures").all("figcaption")]
    assert captions == ["camera", "depth, predicted", "classes, predicted"]
    assert [words(h) for h in page.all("h5")] == ["Sample (frame 0, stamp 1700000000.000000000)"]


def test_live_figures_are_told(write, models):
    page = write(evaluated.metrics([{**models[0], "live": evaluated.live()}]))
    told = tiles(page)["Live on the node"]
    for fact in (
        "9.6 Hz of 10.0 Hz",
        "Latency: 91.5 ms median, 95 of 100 within 128 ms.",
        "CPU: 182 % of one core.",
        "12 frames of 350 (3.4 %) without a result: replaced by a newer frame (11), lost on the way back (1).",
    ):
        assert fact in told
    rows = {row[0]: row[1] for row in table(page, "Figures") if len(row) > 2}
    assert (rows["age, p95"], rows["memory, most"], rows["rate out"]) == ("140 ms", "221 MiB", "9.6 Hz")
    (plot,) = [f for f in page.all("figure", class_="plot") if words(f.one("figcaption")) == "Live latency"]
    assert len(plot.all("rect")) == 6
    alt = plot.one("svg").attributes["aria-label"].replace("\N{NO-BREAK SPACE}", " ")
    assert alt.startswith(
        "Live latency: 338 frames between 50.0 ms and 250 ms, most of them between 75.0 ms and 100 ms"
    )


def test_a_live_stream_without_results_is_told(write, models):
    page = write(evaluated.metrics([{**models[0], "live": {"frames_in": 40, "frames_out": 0, "dropped": 40}}]))
    assert "No result 40 frames of 40 (100.0 %) without a result." in tiles(page)["Live on the node"]


@pytest.mark.parametrize("reason", ["the bag is cut off after frame 120", None])
def test_a_partial_evaluation_says_so_loudly(write, models, reason):
    page = write(evaluated.metrics(models[:1], complete=False, stopped_by=reason))
    assert page.one("title").children[0].startswith("PARTIAL: ")
    assert words(page.one("h1")).startswith("PARTIAL: ")
    box = words(page.one("p", class_="partial"))
    assert box.startswith("PARTIAL. This evaluation was not completed")
    assert (reason or "completed.") in box


TAGS = {
    *("html", "head", "meta", "link", "title", "style", "body", "header", "nav", "main", "section", "p", "a", "div"),
    *("h1", "h2", "h3", "h4", "h5", "strong", "b", "ul", "li", "dl", "dt", "dd", "span", "wbr"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img"),
    *("svg", "line", "text", "rect", "circle", "polyline"),
}


def test_of_many_notes_the_verdict_tells_some_and_the_end_all(write, models):
    metrics = evaluated.metrics(models[:1])
    metrics["bag"] |= {"notes": [f"note {i}" for i in range(40)], "skipped": {f"reason {i}": 40 - i for i in range(9)}}
    page = write(metrics)
    mind = words(page.one(class_="caution"))
    assert mind.startswith("Mind: 40 frames skipped (reason 0); 39 frames skipped (reason 1);")
    assert mind.endswith("note 2; see all below.")
    made = words(page.one("section", **{"aria-labelledby": "made"}))
    assert all(f"note {i}" in made for i in range(40))
    assert all(f"reason {i}" in made for i in range(9))


HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "'; background:url(http://evil.example/x)",
    "{{ 7 * 7 }}{% for %}",
    "</style></title></svg><!-- ]]>",
    "\ud800 lone surrogate",
    "\x00\x1b[31m\u202eesrever\u202c",
    "très long " * 30,
    "class_" * 40,
    "",
)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_from_outside_are_only_text(write, models, tmp_path, name):
    """Class, model, topic, file, note: whatever a recording or a card calls things, the page stays ours."""
    model = copy.deepcopy({**models[0], "name": name, "file": name, "provider": name})
    for classes in (model["segmentation"]["classes"], model["card"]["classes"]):
        classes[0]["name"] = name
    second = {**copy.deepcopy(model), "name": f"{name}2", "live": evaluated.live()}
    second["agreement"] = {"with": name, "depth_abs_rel": 0.1}
    metrics = evaluated.metrics([model, second], complete=False, stopped_by=name)
    metrics["bag"] |= {
        "name": name, "storage": name, "topics": {name: name}, "skipped": {name: 3}, "notes": [name],
        "size": [name, name],
    }  # fmt: skip
    metrics["made"] = {"command": name, "time": name, "machine": name, "versions": {name: name}}
    page = write(metrics, evaluated.pictures(name, 0.1)[2:4], _frames_of(tmp_path, name))
    assert {e.tag for e in page.all()} <= TAGS
    for element in page.all():
        assert not any(attribute.startswith("on") for attribute in element.attributes)
        for key in ("src", "href"):
            assert element.attributes.get(key, "data:").startswith(("data:", "#"))
        if "style" in element.attributes:
            assert re.fullmatch(r"[-:;,.%\d\sa-z()]*", element.attributes["style"])
    assert not page.all("script")
    shown = name.encode("utf-8", "replace").decode()
    if shown.strip().isprintable():
        assert words(page).count(" ".join(shown.split())) > 5


def _frames_of(folder, name):
    path = evaluated.write_frames(folder / "frames.csv", {"m": 0.1}, frames=20)
    model = '"' + name.encode("utf-8", "replace").decode().replace('"', '""').replace("\x00", "") + '"'
    path.write_text(path.read_text().replace(",m,", f",{model},"), encoding="utf-8")
    return path


def test_whatever_is_missing_is_absent(write, models, tmp_path):
    """Keys lost at random, and values that are no numbers: the page is written and never shows one of them."""
    random.seed(5)
    full = evaluated.metrics([{**models[0], "live": evaluated.live()}, models[1]])
    for _ in range(25):
        metrics = json.loads(json.dumps(full))
        _lose(metrics, random.uniform(0.02, 0.5))
        page = write(metrics)
        text = words(page) + " ".join(v for e in page.all() for v in e.attributes.values() if not v.startswith("data:"))
        assert not NO_NUMBER.search(text), NO_NUMBER.search(text)
    write({})


def _lose(values, share):
    for key in list(values) if isinstance(values, dict) else range(len(values)):
        if isinstance(values[key], dict) or (
            isinstance(values[key], list) and key not in ("size", "confusion", "color")
        ):
            _lose(values[key], share)
        if random.random() < share / 3 and isinstance(values, dict):
            if isinstance(values[key], float):
                values[key] = random.choice([math.nan, math.inf])
            elif not isinstance(values[key], str):
                del values[key]


def test_no_page_is_too_large(tmp_path):
    """Three models with all their frames, of noise, which compresses worst."""
    random = np.random.default_rng(1)
    rgb = random.integers(0, 255, (480, 640, 3), np.uint8)
    depth = random.uniform(0.5, 9, (480, 640)).astype(np.float32)
    noise = {"rgb": rgb, "depth": depth, "true_depth": depth[::-1]}
    found = [
        replace(picture, **noise)
        for name, error in ERRORS.items()
        for picture in evaluated.pictures(name, error, enlarge=5) * 3
    ]
    write_report(
        tmp_path / "report.html", evaluated.metrics([evaluated.model(n, e, 2) for n, e in ERRORS.items()]), found
    )
    assert (tmp_path / "report.html").stat().st_size < 10_000_000
    page = read_page(tmp_path / "report.html")
    assert len(page.all("img")) == 54 * 4
    assert all(int(i.attributes["width"]) <= 640 and i.attributes["alt"] for i in page.all("img"))


def test_few_pictures_are_shown_at_their_full_size(write, models):
    page = write(evaluated.metrics(models[:1]), evaluated.pictures("house_rooms", 0.08, enlarge=6)[:2])
    assert {(i.attributes["width"], i.attributes["height"]) for i in page.all("img")} == {("640", "480")}
    page = write(evaluated.metrics(models[:1]), evaluated.pictures("house_rooms", 0.08)[:2])
    assert {i.attributes["width"] for i in page.all("img")} == {"128"}


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, models):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_report(tmp_path / "file" / "report.html", evaluated.metrics(models[:1]))
    with pytest.raises(OSError, match=r"none\.csv"):
        write_report(tmp_path / "report.html", evaluated.metrics(models[:1]), frames=tmp_path / "none.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]

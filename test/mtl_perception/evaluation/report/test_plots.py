import math

import evaluated_recording as evaluated
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.evaluation.report import charts
from mtl_perception.evaluation.report.frame_lines import FrameLines
from mtl_perception.evaluation.report.plots import Series, histogram, line_plot

numbers = st.floats(-1e6, 1e6).map(lambda v: round(v, 4))


@given(st.lists(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8), min_size=1, max_size=3))
def test_lines_stay_inside_and_ticks_say_where_they_are(lines):
    plot = line_plot("t", "alt", "x", "y", [Series("s", points, i) for i, points in enumerate(lines)], dots=True)
    for curve in plot.curves:
        for x, y in curve.dots:
            assert plot.left - 0.01 <= x <= plot.right + 0.01
            assert plot.top - 0.01 <= y <= plot.bottom + 0.01
    for ticks, low, high in ((plot.x_ticks, plot.left, plot.right), (plot.y_ticks, plot.top, plot.bottom)):
        values = [float(t.text.replace(",", "").replace("\N{MINUS SIGN}", "-")) for t in ticks]
        assert 2 <= len(ticks) <= 13
        assert all(low - 0.01 <= t.at <= high + 0.01 for t in ticks)
        assert len(set(values)) == len(values)
    # Two ticks and a point of the data lie on one straight scale.
    values = [float(t.text.replace(",", "").replace("\N{MINUS SIGN}", "-")) for t in plot.y_ticks]
    slope = (plot.y_ticks[-1].at - plot.y_ticks[0].at) / (values[-1] - values[0])
    _, y = lines[0][0]
    assert plot.curves[0].dots[0][1] == pytest.approx(plot.y_ticks[0].at + slope * (y - values[0]), abs=0.1)


def test_bars_are_as_high_as_they_count():
    plot = histogram("t", "alt", "x", [0, 1, 3, 4], [2, 8, 0], (0, 3), 1)
    low, high = plot.bars
    assert high.height == pytest.approx(4 * low.height, rel=0.01)
    assert high.width == pytest.approx(2 * low.width, rel=0.01)
    assert (low.x, high.x + high.width) == (plot.left, plot.right)
    assert low.y + low.height == high.y + high.height == plot.bottom


def test_a_handful_of_far_pixels_does_not_stretch_the_plot():
    bins = [
        {"from": 0, "to": 1, "pixels": 5000, "abs_rel": 0.1, "bias": -0.1},
        {"from": 1, "to": 2, "pixels": 5000, "abs_rel": 0.2, "bias": 0.1},
        {"from": 40, "to": 66, "pixels": 3, "abs_rel": 9.0, "bias": 30.0},
    ]
    error, bias = charts.over_distance([{"name": "m", "depth": {"by_distance": bins}}])
    assert error.x_ticks[-1].text == "1.5"
    assert (
        error.alt.replace("\N{NO-BREAK SPACE}", " ")
        == "Depth error over distance. m: 10.0 % at 0.5 m, 20.0 % at 1.5 m."
    )
    assert bias.zero is not None
    assert charts.over_distance([{"name": "m", "depth": {"by_distance": bins[:1]}}]) == []


def test_frames_are_read_as_they_were_written(tmp_path):
    lines = FrameLines(evaluated.write_frames(tmp_path / "f.csv", {"a": 0.1, "b": 0.2}, frames=50))
    assert lines.by_time
    points = lines.points("a", "depth_abs_rel")
    assert [x for x, _ in points] == pytest.approx(np.arange(50) / 10, abs=1e-5)
    assert np.mean([y for _, y in points]) < np.mean([y for _, y in lines.points("b", "depth_abs_rel")])
    assert lines.values("a", "network_ms").size == 50
    assert lines.points("c", "depth_abs_rel") == []
    assert lines.frames_a_point("a") == 1


def test_long_recordings_are_drawn_by_medians(tmp_path):
    lines = FrameLines(evaluated.write_frames(tmp_path / "f.csv", {"a": 0.1}, frames=1000))
    points = lines.points("a", "depth_abs_rel")
    assert len(points) == 120
    assert lines.frames_a_point("a") == 9
    assert points == sorted(points)


def test_stamps_that_jump_back_leave_the_number_of_the_frame(tmp_path):
    lines = FrameLines(evaluated.write_frames(tmp_path / "f.csv", {"a": 0.1}, frames=50, jump_at=20))
    assert not lines.by_time
    assert [x for x, _ in lines.points("a", "depth_abs_rel")] == list(range(50))
    (plot, _) = charts.over_time([{"name": "a"}], lines)
    assert "number of the frame" in plot.x_label


def test_empty_and_odd_cells_are_passed_over(tmp_path):
    path = tmp_path / "f.csv"
    path.write_text(
        "stamp_s,model,depth_abs_rel,network_ms\n1.0,a,0.1,\n1.1,a,,5\n1.2,a,nan,x\n1.3,a,0.3,inf\n1.4,a,0.2\n"
    )
    lines = FrameLines(path)
    assert [y for _, y in lines.points("a", "depth_abs_rel")] == [0.1, 0.3, 0.2]
    assert lines.values("a", "network_ms").tolist() == [5]
    assert charts.network_times([{"name": "a"}], lines) == []
    (path.write_text(""), path.write_text("stamp_s,model\n"))
    assert charts.over_time([{"name": "a"}], FrameLines(path)) == []


def test_histograms_of_several_models_share_their_scale(tmp_path):
    lines = FrameLines(evaluated.write_frames(tmp_path / "f.csv", {"a": 0.02, "b": 0.5}, frames=80))
    (first, quick), (second, slow) = charts.network_times([{"name": "a"}, {"name": "gone"}, {"name": "b"}], lines)
    assert (first, quick.style, second, slow.style) == ("a", 0, "b", 2)
    assert quick.x_ticks == slow.x_ticks
    assert max(b.x for b in quick.bars) < min(b.x for b in slow.bars)
    live = [{"name": n, "live": {"latency_histogram": h}} for n, h in (
        ("a", {"edges_ms": [0, 10, 20, 30], "counts": [0, 5, 2]}), ("b", {"edges_ms": [0, 40, 80], "counts": [0, 9]}),
    )]  # fmt: skip
    (_, quick), (_, slow) = charts.live_latencies(live)
    assert quick.x_ticks == slow.x_ticks
    assert (quick.bars[0].x, slow.bars[0].x + slow.bars[0].width) == (quick.left, quick.right)


def test_stragglers_are_counted_and_hide_no_shape(tmp_path):
    path = tmp_path / "f.csv"
    times = [60 + i / 10 for i in range(199)] + [4000]
    path.write_text("model,network_ms\n" + "".join(f"a,{t}\n" for t in times))
    ((_, plot),) = charts.network_times([{"name": "a"}], FrameLines(path))
    assert len(plot.bars) == 30
    assert plot.alt.startswith("Network time: 200 frames between 60.0")


@pytest.mark.parametrize(
    "odd",
    [None, {}, {"edges_ms": [0, 1], "counts": []}, {"edges_ms": [0, 1], "counts": [0]}, {"edges_ms": 3, "counts": 1}],
)
def test_a_live_histogram_without_frames_is_left_out(odd):
    assert charts.live_latencies([{"name": "a", "live": {"latency_histogram": odd}}]) == []


def test_scales_do_not_end_before_their_data():
    for top in (0.31, 3.01, 29.9, 1e-9, 5e7):
        plot = line_plot("t", "a", "x", "y", [Series("s", [(0, 0), (1, top)], 0)], dots=False)
        assert float(plot.y_ticks[-1].text.replace(",", "")) >= top
        assert math.isfinite(plot.y_ticks[-1].at)

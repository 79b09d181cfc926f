"""The toy example: many seeds at once are each seed alone, hidden labels stay hidden, and the words fit the figures."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from mtl_perception.atomic_write import write_atomically
from training.__main__ import main
from training.errors import ConfigurationError
from training.results_page import BY_HAND
from training.spread import Spread
from training.toy import functions
from training.toy.experiment import run_setting, steps_in_all
from training.toy.functions import GRID, LABELLED, POINTS, draw_points
from training.toy.network import StackedNetworks
from training.toy.order import QUARTER, SAME_EPOCHS, SAME_STEPS, count_order, count_pair, holds, seeds_that_hold
from training.toy.setting import Setting
from training.toy.study import read_study
from training.toy.table import figure
from training.toy.train import train
from training.yaml_file import STUDIES

SMALL = Setting(1, "tanh", "adam", 3e-3, 2, 80, "true_and_pseudo")
STUDY = {
    "chosen": "For being quick.",
    "setting": {
        "hidden_layers": 1,
        "activation": "tanh",
        "optimiser": "adam",
        "rate": 3e-3,
        "epochs": 2,
        "batch_size": 160,
        "student_labels": "true_and_pseudo",
    },
    "seeds": {"main": 3, "others": 2},
    "readings": {"pseudo-labels only": {"student_labels": "pseudo"}},
    "sweep": [{"optimiser": ["adam", "sgd"], "rate": [1e-3]}, {"optimiser": ["adam"], "rate": [3e-3, 1e-3]}],
}


def without_time(result):
    return {key: value for key, value in result.items() if key != "cpu_seconds"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with a small study in it, where the command runs."""
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(STUDY))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_functions_are_the_papers():
    assert functions.f1(np.array(0.0)) == pytest.approx(2)
    assert functions.f2(np.array(0.0)) == pytest.approx(2)
    assert functions.f1(np.array(1.0)) == pytest.approx(math.sin(1) + 1 / 300 + 2 + 3 * math.sin(5) * math.cos(2))
    assert functions.f2(np.array(1.0)) == pytest.approx(math.cos(1 / 3) + 1 / 200 + 1 - math.sin(3) * math.cos(4))


def test_a_seed_has_640_points_and_160_labels_of_f2_whoever_is_drawn_with_it():
    points, alone = draw_points([4, 7]), draw_points([7])
    assert points.z.shape == points.f1.shape == (2, POINTS, 1) == (2, 640, 1)
    assert points.f2.shape == (2, LABELLED, 1) == (2, 160, 1)
    assert torch.equal(points.z[1:], alone.z)
    assert not torch.equal(points.z[0], points.z[1])
    assert 0 <= points.z.min() < 0.01 and 0.99 < points.z.max() <= 1
    np.testing.assert_allclose(points.f2[..., 0], functions.f2(points.z[:, :160, 0].double().numpy()), atol=1e-6)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_seeds_trained_together_are_each_trained_alone(optimiser):
    setting = replace(SMALL, optimiser=optimiser)
    together, alone = run_setting(setting, [0, 1, 2]), run_setting(setting, [2])
    for row, lengths in alone["errors"].items():
        for length, (error,) in lengths.items():
            assert together["errors"][row][length][2] == pytest.approx(error, rel=1e-3)
    assert len(set(together["errors"]["ts"]["long"])) == 3


def test_a_network_of_the_stack_is_trained_as_pytorch_trains_it():
    """The golden figures are those of ``torch.nn`` and a loop over its own batches."""
    points = draw_points([3, 5])
    stack = StackedNetworks(1, 1, 2, "relu", [3, 5])
    layers = []
    for weight, bias in zip(stack.weights, stack.biases, strict=True):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[2])
        with torch.no_grad():
            layer.weight.copy_(weight[1].T)
            layer.bias.copy_(bias[1, 0])
        layers += [layer, torch.nn.ReLU()]
    alone = torch.nn.Sequential(*layers[:-1])
    update = torch.optim.Adam(alone.parameters(), 1e-3)
    order = functions.stream(5, "order")
    z, f2 = points.z[1, :LABELLED], points.f2[1]
    for _ in range(2):
        for batch in np.split(order.permutation(LABELLED), [64, 128]):
            update.zero_grad()
            torch.nn.functional.mse_loss(alone(z[batch]), f2[batch]).backward()
            update.step()
    rest = {"optimiser": "adam", "rate": 1e-3, "batch_size": 64}
    trained = train(stack, points.z[:, :LABELLED], points.f2, [3, 5], [6], **rest)[6]
    torch.testing.assert_close(trained(points.z)[1], alone(points.z[1]), rtol=1e-4, atol=1e-5)


def test_hidden_labels_change_what_is_measured_and_nothing_that_is_learnt(monkeypatch):
    before = run_setting(SMALL, [0, 1])
    known = np.sort(np.concatenate([seed[:LABELLED, 0] for seed in map(_z_of, [0, 1])]))
    true_f2 = functions.f2

    def lie_where_hidden(z):
        is_known = known[np.searchsorted(known, z).clip(max=len(known) - 1)] == z
        return np.where(is_known, true_f2(z), 1000.0)

    monkeypatch.setattr(functions, "f2", lie_where_hidden)
    after = run_setting(SMALL, [0, 1])
    assert after["curves"] == before["curves"]
    assert min(after["errors"]["ts"]["long"]) > 1000 > max(before["errors"]["ts"]["long"])
    assert min(after["pseudo_errors"]["ts"]) > 1000 > max(before["pseudo_errors"]["ts"])


def _z_of(seed):
    return functions.stream(seed, "points").random(POINTS)[:, None]


def test_the_student_takes_four_times_the_steps_of_the_same_epochs():
    taken = []
    result = run_setting(SMALL, [0, 1], taken.append)
    assert (result["short_steps"], result["long_steps"]) == (4, 16)
    assert sum(taken) == steps_in_all(SMALL, [0, 1]) == 2 * (4 * 16 + 4)
    longer = run_setting(replace(SMALL, epochs=8), [0, 1])
    assert longer["short_steps"] == result["long_steps"]
    # The control is the same network trained for longer, not another one.
    for row in ("st", "mtl"):
        assert longer["errors"][row]["short"] == result["errors"][row]["long"]


def test_the_student_learns_the_pseudo_labels():
    """Of a teacher that has learnt nearly nothing, a student of its labels only is worse than one of true ones too."""
    setting = replace(SMALL, epochs=20, batch_size=160)
    mixed = run_setting(setting, range(3))
    only = run_setting(replace(setting, student_labels="pseudo"), range(3))
    assert only["pseudo_errors"] == mixed["pseudo_errors"]
    assert np.mean(only["errors"]["ts"]["long"]) > np.mean(mixed["errors"]["ts"]["long"])
    # A student of pseudo-labels only ends near its teacher's error, whichever teacher it is.
    for row in ("ts", "blind"):
        assert np.mean(only["errors"][row]["long"]) == pytest.approx(np.mean(only["pseudo_errors"][row]), rel=0.5)


def test_a_loss_that_is_lost_names_setting_row_step_and_seeds():
    with pytest.raises(ConfigurationError, match=r"sgd-1e\+06-relu.*, st: .*not finite at step \d+ \(seeds 0, 1\)"):
        run_setting(replace(SMALL, optimiser="sgd", rate=1e6, activation="relu", epochs=20), [0, 1])


def test_one_lost_seed_is_named_alone():
    points = draw_points([8, 9])
    points.f2[1, 3] = torch.nan
    networks = StackedNetworks(1, 1, 1, "tanh", [8, 9])
    with pytest.raises(ConfigurationError, match=r"step 1 \(seeds 9\)"):
        train(networks, points.z[:, :160], points.f2, [8, 9], [1], optimiser="adam", rate=1e-3, batch_size=160)


def test_interrupted_it_goes_on_and_comes_to_the_same_figures(home, monkeypatch):
    monkeypatch.setattr("training.toy.command.draw", lambda *_: None)
    assert main(["reproduce", "toy", "tiny.yaml", "--out", "whole"]) == 0
    (home / "runs").rename(home / "runs_before")
    written = []

    def stop_after_two(path, data):
        if len(written) == 2:
            raise KeyboardInterrupt
        write_atomically(path, data)
        written.append(path)

    with monkeypatch.context() as patch:
        patch.setattr("training.toy.runner.write_atomically", stop_after_two)
        assert main(["reproduce", "toy", "tiny.yaml", "--out", "again"]) == 130
    kept = {path: path.stat().st_mtime_ns for path in written}
    assert main(["reproduce", "toy", "tiny.yaml", "--out", "again"]) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in written}
    whole, again = (json.loads((home / out / "tiny.json").read_text()) for out in ("whole", "again"))
    for key in ("main", "readings", "sweep"):
        assert json.loads(json.dumps(whole[key]), object_hook=without_time) == json.loads(
            json.dumps(again[key]), object_hook=without_time
        )
    assert (home / "whole" / "tiny.md").read_text() == (home / "again" / "tiny.md").read_text()


def test_the_table_says_what_the_json_says(home, capsys):
    assert main(["reproduce", "toy", "tiny.yaml", "--out", "results"]) == 0
    out = home / "results"
    assert {path.name for path in out.iterdir()} == {"tiny.md", "tiny.json", "tiny.png"}
    content, table = json.loads((out / "tiny.json").read_text()), (out / "tiny.md").read_text()
    assert table.partition(BY_HAND)[0].rstrip() in capsys.readouterr().out
    assert [len(content["sweep"]), len(content["readings"]), len(content["main"]["seeds"])] == [3, 1, 3]
    for title, row in {"ST": "st", "MTL": "mtl", "T-S": "ts"}.items():
        errors = content["main"]["errors"][row]
        assert f"| {title} | {figure(errors['short'])} | {figure(errors['long'])} | 0.0" in table
    for result in content["sweep"]:
        means = [result["errors"][row][n] for row, n in (("st", "short"), ("mtl", "short"), ("ts", "long"))]
        cells = " | ".join(f"{np.mean(errors):.4f}" for errors in means)
        assert f"| {result['setting']['optimiser']} | {result['setting']['rate']} | {cells} |" in table
    order = sum(
        np.mean(r["errors"]["st"]["short"]) > np.mean(r["errors"]["mtl"]["short"]) > np.mean(r["errors"]["ts"]["long"])
        for r in content["sweep"]
    )
    assert f"this order holds in {order} of 3 settings" in table


@pytest.mark.parametrize(
    ("short", "long", "expected"),
    [
        # ST, MTL, T-S, T-S of a blind teacher; at the short and at the long length.
        ((4, 3, 5, 5), (2, 1, 0.5, 5), {SAME_EPOCHS: True, SAME_STEPS: True, QUARTER: False}),
        ((4, 3, 2, 5), (0.1, 0.2, 2.5, 5), {SAME_EPOCHS: True, SAME_STEPS: False, QUARTER: True}),
        ((3, 4, 2, 5), (3, 4, 2, 5), {SAME_EPOCHS: False, SAME_STEPS: False, QUARTER: False}),
    ],
)
def test_each_comparison_looks_at_its_own_lengths(short, long, expected):
    result = _result(short, long)
    for comparison, verdict in expected.items():
        assert holds(result, comparison) is verdict
        assert seeds_that_hold(result, comparison) == (3 if verdict else 0)
        count = count_order([result, result], comparison)
        assert (count.mean, count.clearly) == (2 * verdict, 2 * verdict)


def test_what_one_seed_decides_is_not_clear():
    result = _result((4, 3, 2, 2), (4, 3, 2, 2))
    result["errors"]["st"]["short"] = [2.9, 2.9, 100.0]
    assert holds(result, SAME_EPOCHS)
    assert count_order([result], SAME_EPOCHS).clearly == 0
    assert seeds_that_hold(result, SAME_EPOCHS) == 1
    assert count_pair([result], SAME_EPOCHS, "ts", "mtl") == count_pair([result], SAME_STEPS, "ts", "mtl")
    assert count_pair([result], SAME_EPOCHS, "ts", "mtl").clearly_not == 1
    assert math.isnan(Spread((1.0,)).half_width)
    single = {"errors": {row: {n: errors[:1] for n, errors in e.items()} for row, e in result["errors"].items()}}
    assert count_order([single], SAME_STEPS).clearly == 0


def _result(short, long):
    """Three seeds that nearly agree."""
    rows = ("st", "mtl", "ts", "blind")
    return {
        "errors": {
            row: {"short": [a, a + 0.01, a - 0.01], "long": [b, b - 0.01, b + 0.01]}
            for row, a, b in zip(rows, short, long, strict=True)
        }
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 1}, "unknown 'sede'; known: chosen, setting"),
        ({"setting": {**STUDY["setting"], "colour": 1}}, "setting: unknown 'colour'"),
        ({"setting": {"epochs": 1}}, "setting lacks hidden_layers, activation"),
        ({"setting": {**STUDY["setting"], "rate": "3e-4"}}, "rate is '3e-4', not a number above 0, such as 3.0e-4"),
        ({"setting": {**STUDY["setting"], "activation": "elu"}}, "activation is 'elu', not one of tanh, relu"),
        ({"setting": {**STUDY["setting"], "epochs": 0}}, "epochs is 0, not a whole number above 0"),
        ({"seeds": {"main": True, "others": 2}}, "seeds: main is True, not a whole number"),
        ({"seeds": 5}, "seeds is 5, not fields and their values"),
        ({"readings": {"wide": {"width": 3}}}, "wide: unknown 'width'"),
        ({"readings": ["wide"]}, r"readings is \['wide'\], not titles"),
        ({"sweep": {"rate": [0.1]}}, "sweep is .*, not a list of grids"),
        ({"sweep": [{"rate": 0.1}]}, "sweep: rate is 0.1, not a list"),
        ({"sweep": [{"epochs": [1, "two"]}]}, "sweep: epochs is 'two', not a whole number"),
        ({"sweep": [{"optimiser": [["adam"]]}]}, "optimiser is .*not one of adam, sgd"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused_by_name(home, change, message):
    (home / "tiny.yaml").write_text(yaml.safe_dump(STUDY | change))
    with pytest.raises(ConfigurationError, match=message):
        read_study(home / "tiny.yaml")


@pytest.mark.parametrize("text", ["", "- a", "{a", "\xff"])
def test_what_is_no_study_is_refused(home, text, capsys):
    (home / "tiny.yaml").write_bytes(text.encode("latin1"))
    assert main(["reproduce", "toy", "tiny.yaml"]) == 2
    assert "tiny.yaml" in capsys.readouterr().err
    assert main(["reproduce", "toy", "missing.yaml"]) == 2
    assert "cannot read the study missing.yaml: No such file" in capsys.readouterr().err


def test_the_word_comes_first(home, capsys):
    assert main(["reproduce", "--out", "results", "toy"]) == 2
    assert "reproduce toy" in capsys.readouterr().err


def test_the_studys_own_settings():
    study = read_study(STUDIES / "toy.yaml")
    setting, seeds = study.main
    assert len(seeds) >= 20
    assert (setting.short_steps, setting.long_steps) == (500, 2000)
    assert set(study.varied) == {"optimiser", "rate", "activation", "epochs"}
    assert len(set(study.runs())) == len(study.runs()) == 1 + len(study.readings) + len(study.sweep)
    assert (len(GRID), GRID[0], GRID[-1]) == (1001, 0, 1)

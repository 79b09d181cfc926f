"""Which library runs a network file: as wished, and in no other without a word."""

from __future__ import annotations

import pytest
from network_file import write_network

from mtl_perception.backends import NetworkError, choice
from mtl_perception.backends.choice import Runtime
from mtl_perception.network import Network


@pytest.fixture
def broken_first(monkeypatch):
    """A library that never comes up, before the others."""

    def broken(path, model, runtime):
        raise NetworkError("there is no abacus in this robot")

    monkeypatch.setattr(choice, "BACKENDS", {"abacus": broken, **choice.BACKENDS})


def test_auto_takes_what_comes_up_and_tells_what_did_not(network, broken_first):
    opened = Network(network)
    assert "CPU" in opened.device
    assert opened.passed_over[0] == "abacus: there is no abacus in this robot"


def test_a_library_is_passed_over_only_for_one_that_is_listed(network, broken_first):
    with pytest.raises(NetworkError, match=rf"{network.name}: abacus: there is no abacus in this robot$"):
        Network(network, Runtime(backends=("abacus",)))
    assert Network(network, Runtime(backends=("abacus", "onnxruntime"))).passed_over
    assert not Network(network, Runtime(backends=("onnxruntime", "abacus"))).passed_over


def test_none_listed_is_auto(network):
    assert Network(network, Runtime(backends=())).device == Network(network).device


def test_an_unknown_library_or_precision_is_refused_before_any_other_is_tried(network):
    with pytest.raises(NetworkError, match=r"there is no backend 'abacus'; there are: auto, .*onnxruntime"):
        Network(network, Runtime(backends=("onnxruntime", "abacus")))
    with pytest.raises(NetworkError, match="there is no precision 'fp8'; there are: fp32, fp16"):
        Network(network, Runtime(precision="fp8"))


def test_onnx_runtime_does_not_claim_a_precision_that_is_not_in_the_file(network):
    with pytest.raises(NetworkError, match="runs the precision that is in the file, not fp16"):
        Network(network, Runtime(backends=("onnxruntime",), precision="fp16"))


def test_a_bad_file_is_told_once_for_each_library_that_refused_it(tmp_path, broken_first):
    path = write_network(tmp_path / "bad.onnx", depth_output="distance")
    with pytest.raises(NetworkError, match=r"abacus: .*; onnxruntime: its output depth should be float32") as refusal:
        Network(path)
    assert "\n" not in str(refusal.value)

"""The card survives the trip into a network file and back, and a wrong one is named for what is wrong."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_file import card

from mtl_perception.model_card import Evaluation, ModelCard, ModelCardError, SemanticClass, TrainingData

finite = st.floats(allow_nan=False, allow_infinity=False)
byte = st.integers(0, 255)


@st.composite
def cards(draw) -> ModelCard:
    ids = draw(st.lists(st.integers(1, 254), min_size=1, max_size=4, unique=True))
    nearest = draw(st.floats(0, 100))
    return ModelCard(
        name=draw(st.text()),
        architecture=draw(st.text()),
        classes=tuple(SemanticClass(i, draw(st.text()), draw(st.tuples(byte, byte, byte))) for i in ids),
        input_height=draw(st.integers(1, 4096)),
        input_width=draw(st.integers(1, 4096)),
        focal_length=draw(st.floats(1e-3, 1e6)),
        depth_min=nearest,
        depth_max=nearest + draw(st.floats(0.01, 1000)),
        training_data=tuple(
            TrainingData(draw(st.text()), draw(st.integers(0, 10**7)), draw(st.text()))
            for _ in range(draw(st.integers(0, 3)))
        ),
        licence=draw(st.text()),
        evaluations=tuple(
            Evaluation("house", "val", 100, draw(st.dictionaries(st.text(), finite, max_size=3)))
            for _ in range(draw(st.integers(0, 2)))
        ),
        commit=draw(st.text()),
        date="2026-01-01",
    )


@settings(max_examples=30)
@given(cards())
def test_a_card_reads_back_as_it_was(original):
    assert ModelCard.from_json(original.to_json()) == original


def changed(**fields) -> str:
    """A right card's JSON with some fields replaced; None takes a field away."""
    data = json.loads(card().to_json())
    for name, value in fields.items():
        if value is None:
            del data[name]
        else:
            data[name] = value
    return json.dumps(data)


CLASS = {"id": 1, "name": "wall", "color": [1, 2, 3]}
EVALUATION = {"data": "house", "split": "val", "frames": 5, "values": {"miou": 0.5}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 10_000, "not "),
        ("[]", "not a JSON object"),
        (changed(format=2), "not of format 1; export the network again"),
        (changed(format=None), "not of format 1"),
        (changed(name=None), "the card lacks name"),
        (changed(colour="red"), "unknown fields colour"),
        (changed(name=5), "name is 5, not of type str"),
        (changed(input_height=48.5), "input_height is 48.5, not of type int"),
        (changed(input_height=True), "input_height is True"),
        (changed(input_width=0), "input size 48x0"),
        (changed(focal_length=0), "focal_length 0"),
        (changed(focal_length=float("nan")), "focal_length nan"),
        (changed(focal_length=float("inf")), "focal_length inf"),
        (changed(focal_length="far"), "focal_length is 'far'"),
        (changed(depth_min=-1), "depth range -1..10.0 m is not a range"),
        (changed(depth_min=10.0), "depth range 10.0..10.0"),
        (changed(depth_max=float("inf")), "depth range 0.5..inf"),
        (changed(classes={}), "classes is missing or not a list"),
        (changed(classes=[]), "names no classes"),
        (changed(classes=["wall"]), r"classes\[0\] is not a JSON object"),
        (changed(classes=[CLASS, CLASS]), "two classes have one id"),
        (changed(classes=[{**CLASS, "id": 0}]), r"class id 0 \(wall\) is not in 1..254"),
        (changed(classes=[{**CLASS, "id": 255}]), "class id 255"),
        (changed(classes=[{**CLASS, "id": "1"}]), r"classes\[0\]: id is '1'"),
        (changed(classes=[{**CLASS, "color": [1, 2]}]), "colour .* of class wall is not three values"),
        (changed(classes=[{**CLASS, "color": [1, 2, 256]}]), "colour .* of class wall is not three values"),
        (changed(classes=[{**CLASS, "color": "red"}]), "color is 'red'"),
        (changed(classes=[{**CLASS, "color": [1, 2, 0.5]}]), "not three whole numbers"),
        (changed(training_data=None), "training_data is missing"),
        (changed(training_data=[{"name": "house"}]), r"training_data\[0\] lacks frames, licence"),
        (changed(evaluations=[{**EVALUATION, "values": [0.5]}]), r"evaluations\[0\]: values is \[0.5\]"),
        (changed(evaluations=[{**EVALUATION, "values": {"miou": "good"}}]), "not numbers by name"),
        (changed(evaluations=[{**EVALUATION, "values": {"miou": None}}]), "not numbers by name"),
    ],
)
def test_a_wrong_card_is_named_for_what_is_wrong(text, complaint):
    with pytest.raises(ModelCardError, match=complaint):
        ModelCard.from_json(text)


def test_a_card_made_in_python_is_checked_alike():
    with pytest.raises(ModelCardError, match="depth range"):
        card(depth_min=20.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        card().name = "other"

"""Figures for programs: strict JSON, whatever the figures are."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_perception.json_file import write_json


def read_strictly(path):
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_what_is_no_number_is_left_out(tmp_path):
    values = {
        "rmse": math.nan,
        "miou": 0.5,
        "by_class": {"wall": np.float64("inf"), "Tür": 1.0},
        "curve": (1.0, math.nan),
    }
    write_json(tmp_path / "new" / "figures.json", values)
    assert read_strictly(tmp_path / "new" / "figures.json") == {
        "miou": 0.5,
        "by_class": {"Tür": 1.0},
        "curve": [1.0, None],
    }


finite = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), finite, max_size=4))
def test_all_else_is_read_as_it_was_written(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("json") / "figures.json"
    write_json(path, content)
    assert read_strictly(path) == content

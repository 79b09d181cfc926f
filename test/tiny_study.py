"""A study small enough for unit tests: two rows, one of them a student, at one and two steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from training.reproduce.study import Study, read_study

STUDY = {
    "dataset": "balls",
    "split": "train",
    "report": "balls:val",
    "choose": "balls:choose",
    "budgets": [{"depth": 4, "semantic": 2}],
    "seeds": [0],
    "steps": [1, 2],
    "rows": ["umst_s", "ummt_ps"],
    "fit": {
        "data": {"height": 64, "width": 64, "focal_length": 50, "batch_size": 2, "workers": 0},
        "model": {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]},
    },
}


def tiny_study(folder: Path, **changes: Any) -> Study:
    """The study with ``changes``, written to a file in ``folder`` and read; what is ``None`` is left out."""
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in {**STUDY, **changes}.items() if v is not None}))
    return read_study(path)

"""``prepare`` and ``reproduce`` of the public sets end to end: official files in, the paper's table out.

The studies are the shipped ones, rows, splits and recipe; only their size is that of miniatures, and the network's
weights are not fetched.
"""

from __future__ import annotations

import json

import cityscapes_miniature
import nyudv2_miniature
import yaml

from training.__main__ import main
from training.prepare import cityscapes, nyudv2
from training.reproduce.row import read_row
from training.yaml_file import STUDIES


def shrink(study: str, height: int, budget: dict[str, int]) -> dict:
    """The shipped study at ``height`` pixels, one pass over ``budget``, one seed."""
    content = yaml.safe_load((STUDIES / f"{study}.yaml").read_text())
    data, model = content["fit"]["data"], content["fit"]["model"]
    scale = height / data["height"]
    data |= {"height": height, "width": round(data["width"] * scale), "focal_length": data["focal_length"] * scale}
    data |= {"workers": 0}
    model |= {"backbone": "mobilenetv4_conv_small", "head_widths": [8, 8, 8, 8]}
    assert model.pop("pretrained") == "hub"
    return content | {"budgets": [budget], "seeds": [0], "epochs": 1}


def reproduce(home, study: str, content: dict, monkeypatch) -> tuple[list[dict], str]:
    """Run it as a user does in ``home``, which holds the prepared folder; returns its results and its table."""
    (home / f"{study}.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.chdir(home)
    assert main(["reproduce", f"{study}.yaml", "--root", str(home), "--accelerator", "cpu", "--out", "out"]) == 0
    results = json.loads((home / "out" / f"{study}.json").read_text())["results"]
    return results, (home / "out" / f"{study}.md").read_text()


def check_table(content: dict, results: list[dict], table: str) -> None:
    """Every row of the study was trained and measured, and stands beside the paper's figures."""
    rows = {name: read_row(name) for name in content["rows"]}
    measured = {r["row"]: r["measured"][content["report"]]["values"] for r in results}
    assert set(rows) <= set(measured)
    for name, row in rows.items():
        assert ("miou_present" in measured[name]) == ("semantic" in row.tasks)
        assert ("rmse" in measured[name]) == ("depth" in row.tasks)
        line = next(line for line in table.splitlines() if line.startswith(f"| {row.title} |"))
        quoted = row.paper.get(content["paper"], {})
        assert line.split(" | ")[-3:] == [str(quoted.get(k, "-")) for k in ("miou", "rmse")] + [
            f"{quoted.get('log_rmse', '-')} |"
        ]


def test_nyudv2(tmp_path, monkeypatch):
    source = nyudv2_miniature.write(tmp_path / "official", nyudv2_miniature.contents(7))
    monkeypatch.setattr(nyudv2, "DRAWN", {"train_500": ("train", 5), "val_395": ("test", 2)})
    assert main(["prepare", "nyudv2", str(source), str(tmp_path / "nyudv2"), "--skip-checksums"]) == 0
    content = shrink("nyudv2", 96, {"depth": 5, "semantic": 4})
    results, table = reproduce(tmp_path, "nyudv2", content, monkeypatch)
    check_table(content, results, table)


def test_cityscapes(tmp_path, monkeypatch):
    source = cityscapes_miniature.write(tmp_path / "official")
    monkeypatch.setattr(cityscapes, "DRAWN", {"train_300": ("train", 3), "val_200": ("val", 1)})
    arguments = ["prepare", "cityscapes", str(source), str(tmp_path / "cityscapes"), "--skip-checksums"]
    assert main([*arguments, "--height", "64"]) == 0
    content = shrink("cityscapes", 64, {"depth": 3, "semantic": 2})
    results, table = reproduce(tmp_path, "cityscapes", content, monkeypatch)
    check_table(content, results, table)
    assert content["paper_note"] in table

    # With few labels the rows are the same, the splits are not.
    content = shrink("cityscapes_low", 64, {"depth": 3, "semantic": 2}) | {"rows": ["umst_s"]}
    results, table = reproduce(tmp_path, "cityscapes_low", content, monkeypatch)
    check_table(content, results, table)

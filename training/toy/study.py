"""The study of the toy example: which settings, and how many seeds of each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from training.errors import ConfigurationError
from training.toy.setting import Setting, check_keys, is_count, make_setting
from training.yaml_file import read_fields

Run = tuple[Setting, tuple[int, ...]]
"""A setting and its seeds, trained at once."""


@dataclass(frozen=True)
class ToyStudy:
    """What to train.

    Attributes:
        name: the file's stem.
        chosen: in words, how the settings were chosen.
        main: the setting that is set beside the paper's table, with many seeds.
        readings: by title, the main setting changed to how else the paper's words can be read.
        sweep: further settings: of each grid every combination of its values.
        varied: fields that the sweep varies.
    """

    name: str
    chosen: str
    main: Run
    readings: Mapping[str, Run]
    sweep: tuple[Run, ...]
    varied: tuple[str, ...]

    def runs(self) -> list[Run]:
        """All there is to train, each once."""
        return list(dict.fromkeys([self.main, *self.readings.values(), *self.sweep]))


def read_study(path: Path) -> ToyStudy:
    """Read a toy study's YAML.

    Raises:
        ConfigurationError: it is missing, no YAML, or a field is unknown, missing or wrong; the message says which.
    """
    content = read_fields(path, "study")
    check_keys(content, ["chosen", "setting", "seeds", "readings", "sweep"], str(path), all_of_them=True)
    setting, counts, readings, sweep = (content[key] for key in ("setting", "seeds", "readings", "sweep"))
    check_keys(counts, ["main", "others"], f"{path}: seeds", all_of_them=True)
    for name, count in counts.items():
        if not is_count(count):
            raise ConfigurationError(f"{path}: seeds: {name} is {count!r}, not a whole number above 0")
    main = make_setting(setting, f"{path}: setting")
    names = [field.name for field in fields(Setting)]
    if not isinstance(readings, Mapping):
        raise ConfigurationError(f"{path}: readings is {readings!r}, not titles and what each changes")
    for title, changes in readings.items():
        check_keys(changes, names, f"{path}: {title}")
    if not isinstance(sweep, list) or not sweep:
        raise ConfigurationError(f"{path}: sweep is {sweep!r}, not a list of grids, each with lists of values")
    for grid in sweep:
        check_keys(grid, names, f"{path}: sweep")
        for name, values in grid.items():
            if not isinstance(values, list) or not values:
                raise ConfigurationError(f"{path}: sweep: {name} is {values!r}, not a list of values")
    others = tuple(range(counts["others"]))
    swept = [
        make_setting({**setting, **dict(zip(grid, values, strict=True))}, f"{path}: sweep")
        for grid in sweep
        for values in itertools.product(*grid.values())
    ]
    return ToyStudy(
        name=path.stem,
        chosen=str(content["chosen"]).strip(),
        main=(main, tuple(range(counts["main"]))),
        readings={
            str(title): (make_setting({**setting, **changes}, f"{path}: {title}"), others)
            for title, changes in readings.items()
        },
        sweep=tuple((swept_setting, others) for swept_setting in dict.fromkeys(swept)),
        varied=tuple(dict.fromkeys(name for grid in sweep for name in grid)),
    )

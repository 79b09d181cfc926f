"""YAML files of fields: studies, families, recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from training.errors import ConfigurationError

STUDIES = Path(__file__).parent / "experiments" / "studies"


def read_fields(path: Path, what: str) -> dict[str, Any]:
    """The fields of the file at ``path``.

    Args:
        path: of it.
        what: it should be, for the message: ``study``.

    Raises:
        ConfigurationError: it is missing, no YAML, or holds no fields; one line.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the {what} {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} is no {what}: it holds no fields")
    return content


def check_fit(fit: Any, where: str) -> None:
    """Make sure that ``fit`` of a study holds arguments of ``python -m training fit`` by group.

    Raises:
        ConfigurationError: it does not; ``where`` begins the message.
    """
    if not isinstance(fit, dict) or not all(isinstance(group, dict) for group in fit.values()):
        raise ConfigurationError(f"{where}: fit holds groups of arguments, e.g. {{data: {{batch_size: 4}}}}")


def is_budget(budget: Any) -> bool:
    """Whether it holds numbers of labels by task."""
    return isinstance(budget, dict) and all(type(count) is int for count in budget.values())

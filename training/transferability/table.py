"""The predictors of all pairs as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def markdown(content: Mapping[str, Any], measures: Mapping[str, str], picture: str) -> str:
    """The table of ``content``, what each column means, and, where known, how each ranks the pairs, with a picture."""
    pairs = content["pairs"]
    shown = [name for name in measures if any(name in values for values in pairs.values())]
    networks = ", ".join(content["networks"]) or "none"
    lines = [
        f"# Before training: {content['frames']}",
        "",
        f"{content['count']} frames, seed {content['seed']}; networks of one task: {networks}.",
        "",
        *(f"- `{name}`: {measures[name]}" for name in shown),
        "",
        "| from | to | " + " | ".join(f"`{name}`" for name in shown) + " |",
        "|---|---|" + "---|" * len(shown),
    ]
    for pair, values in pairs.items():
        first, second = pair.split(">")
        lines.append(f"| {first} | {second} | " + " | ".join(_number(values.get(name)) for name in shown) + " |")
    if content["rank_correlation"]:
        lines += [
            "",
            "Rank correlation with the gains that training gave; positive: it foretells them. Over all pairs this "
            "mostly shows which `to` gains most from any `from`, since most measures differ by `to`. The last column "
            "compares two `from` for one `to`: half are right by chance.",
            "",
            f"![predictors and gains]({picture})",
            "",
        ]
        lines += ["| predictor | Spearman (p) | Kendall | pairs | better of two `from` |", "|---|---|---|---|---|"]
        lines += [
            f"| `{name}` | {found['spearman']:.2f} ({found['spearman_p']:.2g}) | {found['kendall']:.2f} "
            f"| {found['pairs']} | {found['right']:g} of {found['choices']} |"
            for name, found in content["rank_correlation"].items()
        ]
    return "\n".join([*lines, ""])


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"

"""A page of figures that a command writes, and that people write on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mtl_perception.atomic_write import write_atomically

BY_HAND = "<!-- Below this line people write: it stays when the figures above are made again. -->"


def write_page(path: Path, text: str) -> None:
    """Write ``text``, then ``BY_HAND``, then what stood below that in the page there is; all of it, if it has none.

    Raises:
        OSError: it cannot be read or written; the page is then as it was.
    """
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    _, marker, by_hand = written.partition(BY_HAND)
    kept = by_hand if marker else f"\n\n{written}" if written else "\n"
    write_atomically(path, f"{text.rstrip()}\n\n{BY_HAND}{kept}".encode())


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]

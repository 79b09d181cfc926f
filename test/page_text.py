"""An HTML page as tests look at it: its elements, its words, its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

_VOID = {"meta", "link", "img", "wbr", "line", "rect", "circle", "polyline", "br"}
_HIDDEN = {"style", "title"}


@dataclass
class Element:
    """An element with what is in it: elements and text."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """Elements below, in order, of that tag and those attributes; ``class_`` is one of several."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if (not tag or child.tag == tag) and all(child._has(n, v) for n, v in attributes.items()):
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def one(self, tag: str = "", **attributes: str) -> Element:
        """The only one of ``all``."""
        (found,) = self.all(tag, **attributes)
        return found

    def text(self) -> str:
        """The words in it, single spaces between."""
        return " ".join("".join(self._words()).split())

    def rows(self) -> list[list[str]]:
        """Of a table: the text of each cell of each row."""
        return [[c.text() for c in row.children if isinstance(c, Element)] for row in self.all("tr")]

    def _has(self, name: str, value: str) -> bool:
        if name == "class_":
            return value in self.attributes.get("class", "").split()
        return self.attributes.get(name) == value

    def _words(self) -> list[str]:
        words = []
        for child in self.children:
            if isinstance(child, str):
                words.append(child)
            elif child.tag not in _HIDDEN:
                between = "" if child.tag in ("wbr", "span", "b", "strong", "a") else " "
                words += [between, *child._words(), between]
        return words


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read_page(path: Path) -> Element:
    """The page in a file; every element in it must be closed by its own end."""
    builder = _Builder()
    builder.feed(path.read_text(encoding="utf-8"))
    builder.close()
    assert [e.tag for e in builder._open] == [""], f"not closed: {[e.tag for e in builder._open]}"
    return builder.root

"""The blocks of text of an element: paragraphs, headings, list items, quotations and table rows, in order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from lxml import html

from rfispider import text
from rfispider.extract import element_text
from rfispider.extract.html_document import Element
from rfispider.site import selectors

CELLS: Final = " | "
"""Stands between the cells of a table row."""


class Shape(StrEnum):
    """What kind of block a line of text is."""

    PARAGRAPH = "p"
    HEADING = "h2"
    ITEM = "li"
    QUOTE = "blockquote"
    ROW = "tr"
    COPYRIGHT = "copyright"


@dataclass(slots=True)
class Block:
    """One block of text."""

    shape: Shape
    line: str
    """Normalised; the cells of a row joined by `CELLS`."""


_SHAPES: Final = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), Shape.HEADING),
    **dict.fromkeys(("li", "dt", "dd"), Shape.ITEM),
    "blockquote": Shape.QUOTE,
}
_BOUNDARIES: Final = frozenset(
    {
        "p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "dl", "table", "thead",
        "tbody", "tfoot", "caption", "pre", "hr", "address", "details", "summary", "fieldset", "center", "body", "tr",
        "td", "th",
        *_SHAPES,
    }
)  # fmt: skip


@dataclass(slots=True)
class _Writer:
    """Gathers text until a boundary comes."""

    blocks: list[Block] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    shapes: list[tuple[Element, Shape]] = field(default_factory=list)
    """Open elements that give their text a shape; the outermost counts."""
    row: Element | None = None
    """Open table row of several cells."""
    cells: list[str] = field(default_factory=list)

    def opened(self, element: Element) -> None:
        tag = element.tag
        if tag == "br":
            self._break(element)
        elif tag in _BOUNDARIES:
            self._boundary()
            if tag == "tr" and self.row is None and _cells(element) > 1:
                self.row, self.cells = element, []
            if shape := Shape.COPYRIGHT if _is_copyright(element) else _SHAPES.get(tag):
                self.shapes.append((element, shape))
        if element.text:
            self.pieces.append(element.text)

    def closed(self, element: Element) -> None:
        if element.tag in _BOUNDARIES:
            self._close(element)
        self.after(element)

    def after(self, element: Element) -> None:
        if element.tail:
            self.pieces.append(element.tail)

    def _close(self, element: Element) -> None:
        if self.row is not None and element.tag in ("td", "th") and element.getparent() is self.row:
            self.cells.append(self._taken())
        elif self.row is element:
            self.cells.append(self._taken())
            self.row = None
            self._add(Shape.ROW, CELLS.join(filter(None, self.cells)))
        else:
            self._boundary()
        if self.shapes and self.shapes[-1][0] is element:
            self.shapes.pop()

    def _break(self, element: Element) -> None:
        """Two line breaks in a row part paragraphs, one parts words."""
        before = element.getprevious()
        if before is not None and before.tag == "br" and not (before.tail or "").strip():
            self._boundary()
        else:
            self.pieces.append("\n")

    def _boundary(self) -> None:
        if self.row is not None:
            self.pieces.append(" ")
        elif self.pieces:
            self._add(self.shapes[0][1] if self.shapes else Shape.PARAGRAPH, self._taken())

    def _taken(self) -> str:
        line = text.line("".join(self.pieces))
        self.pieces.clear()
        return line

    def _add(self, shape: Shape, line: str) -> None:
        if line and (line.isprintable() or text.normalise(line)):  # a line of invisible characters is none
            self.blocks.append(Block(shape, line))

    def finished(self) -> list[Block]:
        self._boundary()
        return self.blocks


def blocks(root: Element, dropped: Callable[[Element], bool]) -> list[Block]:
    """The blocks below an element, without the elements that are dropped; the tree is not changed.

    >>> page = html.fromstring("<div><h2>Ferries</h2><p>They sail<br>again.</p><nav>Menu</nav></div>")
    >>> [(str(block.shape), block.line) for block in blocks(page, lambda element: element.tag == "nav")]
    [('h2', 'Ferries'), ('p', 'They sail again.')]
    """
    writer = _Writer()
    walker = element_text.walk(root)
    skipped: Element | None = None
    for event, element in walker:
        if event == "start":
            if element is not root and dropped(element):
                skipped = element
                walker.skip_subtree()
            else:
                writer.opened(element)
        elif skipped is element:
            skipped = None
            writer.after(element)
        elif element is not root:
            writer.closed(element)
    return writer.finished()


def tree(lines: Iterable[Block]) -> Element:
    """A page that holds nothing but the blocks, as clean HTML."""
    page = html.Element("html")
    article = _child(_child(page, "body"), "article")
    container: Element = None
    inner = {Shape.ITEM: "ul", Shape.ROW: "table"}
    for block in lines:
        parent = article
        if group := inner.get(block.shape):
            container = container if container is not None and container.tag == group else _child(article, group)
            parent = container
        else:
            container = None
        _fill(parent, block)
    return page


def _fill(parent: Element, block: Block) -> None:
    if block.shape is Shape.ROW:
        row = _child(parent, "tr")
        for cell in block.line.split(CELLS):
            _child(row, "td").text = cell
    elif block.shape is Shape.QUOTE:
        _child(_child(parent, "blockquote"), "p").text = block.line
    else:
        _child(parent, block.shape.value).text = block.line


def _child(parent: Element, tag: str) -> Element:
    child = parent.makeelement(tag)
    parent.append(child)
    return child


def _cells(row: Element) -> int:
    return sum(child.tag in ("td", "th") for child in row)


def _is_copyright(element: Element) -> bool:
    return selectors.COPYRIGHT_CLASS in (element.get("class") or "").split()

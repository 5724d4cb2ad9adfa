"""The text of an article: the blocks of its body read by trafilatura, and compared with what went in."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from trafilatura import bare_extraction
from trafilatura.settings import Extractor

from rfispider import text
from rfispider.extract import element_text, text_blocks
from rfispider.extract.html_document import Element
from rfispider.extract.text_blocks import Block

MAX_READ: Final = 300_000
"""Characters of a body above which trafilatura does not read it: its time grows faster than its input."""
MAX_BLOCKS: Final = 3_000
"""The same in blocks; the longest live pages have a few hundred."""

_extractor: Final = partial(Extractor, fast=True, comments=False, tables=True, dedup=False, with_metadata=False)
_OPTIONS: Final = _extractor()
_WHOLE_BODY: Final = _extractor(recall=True)
"""For a body that was cut out: all of it is text, so trafilatura need not look twice at what it left out."""

logging.getLogger("trafilatura").setLevel(logging.ERROR)  # it warns of every short body


def read(blocks: Sequence[Block]) -> tuple[list[str], str]:
    """Lines of a body, and who read them: trafilatura, or markup where trafilatura lost, doubled or merged lines.

    The blocks are the article and nothing else, so every line of them must come back once; trafilatura drops
    what looks like boilerplate to it (a heading at the end, a repeated line), joins the lines of a short text, and
    drops the invisible letters of Persian and Khmer.

    >>> from rfispider.extract.text_blocks import Shape
    >>> read([Block(Shape.HEADING, "Ferries"), Block(Shape.PARAGRAPH, "They sail again.")])
    (['Ferries', 'They sail again.'], 'trafilatura')
    """
    lines = [block.line for block in blocks]
    if not lines:
        return [], "markup"
    if len(lines) <= MAX_BLOCKS and sum(map(len, lines)) <= MAX_READ:
        extracted_lines = extracted(text_blocks.tree(blocks), _WHOLE_BODY)
        if list(map(_letters, extracted_lines)) == list(map(_letters, lines)):
            return extracted_lines, "trafilatura"
    return lines, "markup"


def extracted(tree: Element, options: Extractor = _OPTIONS) -> list[str]:
    """Lines that trafilatura finds in a tree; the tree is not changed. Empty if it finds none or fails."""
    try:
        document = bare_extraction(tree, options=options)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
        return []
    root = getattr(document, "body", None)
    return _lines(root) if root is not None else []


def _lines(body: Element) -> list[str]:
    lines: list[str] = []
    for element in body:
        lines += [*_lines_of(element), text.line(element.tail or "")]
    return [line for line in lines if line]


def _lines_of(element: Element) -> list[str]:
    """The lines of one element of trafilatura's result; some may be empty."""
    if element.tag in ("list", "quote"):
        return [text.line(element.text or ""), *map(element_text.of, element)]
    if element.tag == "table":
        return [_row(row) for row in element.iter("row")]
    return [element_text.of(element)]


def _row(row: Element) -> str:
    return text_blocks.CELLS.join(filter(None, map(element_text.of, row)))


def _letters(line: str) -> str:
    """A line without white space, in its own Unicode form: a change of it counts here."""
    return "".join(line.split())

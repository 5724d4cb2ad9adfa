"""The text of an article: the cut body read by trafilatura, and held against what was cut."""

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
"""Characters of a cut body above which it is not read again: trafilatura's time grows faster than its input."""
MAX_BLOCKS: Final = 3_000
"""The same for blocks; the longest live pages have some hundreds."""

_extractor: Final = partial(Extractor, fast=True, comments=False, tables=True, dedup=False, with_metadata=False)
_OPTIONS: Final = _extractor()
_CUT: Final = _extractor(recall=True)
"""For a body that was cut out: all of it is wanted, and nothing is gained by a look at what trafilatura left."""

logging.getLogger("trafilatura").setLevel(logging.ERROR)  # it warns of every short body


def read(cut: Sequence[Block]) -> tuple[list[str], str]:
    """Lines of a body, and who read them: trafilatura, or markup where trafilatura lost, doubled or merged lines.

    What was cut out is the article and nothing else, so every line of it must come back once; trafilatura drops
    what looks like boilerplate to it (a heading at the end, a repeated line), joins the lines of a short text, and
    drops the invisible letters of Persian and Khmer.
    """
    lines = [block.line for block in cut]
    if not lines:
        return [], "markup"
    if len(lines) <= MAX_BLOCKS and sum(map(len, lines)) <= MAX_READ:
        found = extracted(text_blocks.tree(cut), _CUT)
        if list(map(_squeezed, found)) == list(map(_squeezed, lines)):
            return found, "trafilatura"
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
    found: list[str] = []
    for element in body:
        if element.tag in ("list", "quote"):
            inner = [element_text.of(child) for child in element] if len(element) else []
            found.extend([text.line(element.text or ""), *inner])
        elif element.tag == "table":
            found.extend(text_blocks.CELLS.join(filter(None, map(element_text.of, row))) for row in element.iter("row"))
        else:
            found.append(element_text.of(element))
        found.append(text.line(element.tail or ""))
    return [line for line in found if line]


def _squeezed(line: str) -> str:
    return "".join(line.split())

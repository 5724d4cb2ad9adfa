"""The beginning of a page without what weighs most in it and says nothing of the article: styles, scripts, menus.

Something is left out only where it cannot change how the parser reads the rest: each place is known to be outside of
tags, comments and raw text, or nothing more is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree
from stringzilla import find, rfind
from xxhash import xxh3_128_digest

from rfispider.extract import html_document
from rfispider.site import selectors

MAX_MENU: Final = 400_000
"""Bytes of the longest menu that may be left out."""
_MENUS: Final = 16
"""Menus that are remembered: an edition has one, and some variants of it."""
_BEGINNING: Final = re.compile(
    rb"<(!--|(?i:script|style|title|textarea|iframe|xmp|noembed|noframes|plaintext|nav)(?=[\s/>]))"
)
"""Beginnings of what the parser reads without looking for tags, and of menus."""
_RAW_ELEMENTS: Final = frozenset(
    {b"script", b"style", b"title", b"textarea", b"iframe", b"xmp", b"noembed", b"noframes"}
)
_END_TAG: Final = re.compile(rb"</([A-Za-z]+)[\s/>]")
_MENU_END: Final = b"</nav>"
_CLASSES: Final = re.compile("|".join(map(re.escape, (*selectors.ARTICLE_CLASSES, selectors.BODY_CLASS))))

Span = tuple[int, int]
"""Two offsets into the bytes."""


def thinned(body: bytes, end: int) -> bytes:
    """The bytes before `end` without contents of style sheets and scripts, JSON-LD apart, and without menus.

    >>> thinned(b"<style>p{}</style><nav><a>Menu</a></nav><p>Text</p>", 51)
    b'<style></style><p>Text</p>'
    """
    pieces, copied = [], 0
    for start, stop in _superfluous(body, end):
        pieces.append(body[copied:start])
        copied = stop
    return b"".join((*pieces, body[copied:end]))


def _superfluous(body: bytes, end: int) -> Iterator[Span]:
    """What can be left out, up to the first place that is not clear."""
    outside, position = 0, 0
    while mark := _BEGINNING.search(body, position, end):
        if _may_be_in_tag(body, outside, mark.start()):
            return
        block = _menu(body, mark, end) if mark[1].lower() == b"nav" else _raw(body, mark, end)
        if block is None:
            return
        if block.superfluous is not None:
            yield block.superfluous
        outside, position = block.outside, block.end


@dataclass(frozen=True, slots=True)
class _Block:
    """What was read at a mark."""

    superfluous: Span | None
    """What of it can be left out."""
    outside: int
    """A place where the parser is known to be outside of a tag."""
    end: int
    """Where the next mark is looked for, not before that place."""


def _menu(body: bytes, mark: re.Match[bytes], end: int) -> _Block:
    """A whole menu, or no more than the name of one that cannot be left out."""
    stop = find(body, _MENU_END, mark.end(), end) + len(_MENU_END)
    span = (mark.start(), stop)
    if 0 < stop - mark.start() <= MAX_MENU and _is_closed(body, mark.start(), stop):
        return _Block(span, stop, stop)
    return _Block(None, mark.start(), mark.end())


def _raw(body: bytes, mark: re.Match[bytes], end: int) -> _Block | None:
    """A comment or an element of raw text; None if it is not clear where it ends."""
    name = mark[1].lower()
    content = _comment(body, mark.end(), end) if name == b"!--" else _raw_text(body, name, mark.end(), end)
    if content is None:
        return None
    is_superfluous = name == b"style" or (name == b"script" and _is_program(body[mark.end() : content[0]]))
    return _Block(content if is_superfluous else None, content[1], content[1])


def _comment(body: bytes, start: int, end: int) -> Span | None:
    stop = find(body, b"-->", start - 2, end)
    return (start, stop + 3) if stop >= 0 and find(body, b"--!>", start, stop + 4) < 0 else None


def _raw_text(body: bytes, name: bytes, start: int, end: int) -> Span | None:
    tag_end = find(body, b">", start, end)
    if name not in _RAW_ELEMENTS or tag_end < 0 or not _is_plain(body[start:tag_end]):
        return None
    stop = find(body, b"</", tag_end, end)
    while stop >= 0 and _name_of_end_tag(body, stop) != name:
        stop = find(body, b"</", stop + 2, end)
    return (tag_end + 1, stop) if stop >= 0 and find(body, b"<!--", tag_end, stop) < 0 else None


def _name_of_end_tag(body: bytes, start: int) -> bytes:
    tag = _END_TAG.match(body, start)
    return tag[1].lower() if tag else b""


def _is_plain(attributes: bytes) -> bool:
    """Whether the first `>` behind attributes ends their tag, and the tag does not close itself."""
    return not (attributes.count(b'"') % 2 or attributes.count(b"'") % 2 or attributes.endswith(b"/"))


def _is_program(tag: bytes) -> bool:
    """Whether a script has no data for readers of the page; a type that is escaped may be any."""
    return b"json" not in tag.lower() and b"&" not in tag


def _may_be_in_tag(body: bytes, outside: int, at: int) -> bool:
    """Whether a place may be inside a tag, if the parser is outside of one before, and reads no raw text between.

    It is outside if nothing but text without quotes follows the last `>`, and that `>` is not in a quoted value: the
    last quote of either kind would then follow a `=`.
    """
    text = body[rfind(body, b">", outside, at) + 1 if find(body, b">", outside, at) >= 0 else outside : at]
    if any(sign in text for sign in (b"<", b'"', b"'")):
        return True
    quotes = (rfind(body, quote, outside, at) for quote in (b'"', b"'"))
    return any(quote >= 0 and body[outside:quote].rstrip().endswith(b"=") for quote in quotes)


def _is_closed(body: bytes, start: int, stop: int) -> bool:
    """Whether a part of a page is a menu that closes; a menu that was met before is not copied to be looked at."""
    digest = xxh3_128_digest(memoryview(body)[start:stop])
    if digest not in _KNOWN_MENUS:
        if len(_KNOWN_MENUS) >= _MENUS:
            _KNOWN_MENUS.clear()
        _KNOWN_MENUS[digest] = is_closed_menu(body[start:stop])
    return _KNOWN_MENUS[digest]


_KNOWN_MENUS: dict[bytes, bool] = {}


def is_closed_menu(menu: bytes) -> bool:
    """Whether a nav element is complete, closes nothing outside of it, and holds nothing that is looked for on a page.

    Pages share their menus, so the answer is remembered. The parser reports every end tag that has no start tag.

    >>> is_closed_menu(b"<nav><a>Menu</a></nav>"), is_closed_menu(b"<nav></div></nav>")
    (True, False)
    """
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    root = etree.fromstring(b"<body>" + menu + b"<hr>", parser=parser)
    if root is None or len(parser.error_log) or [child.tag for child in root[-1]] != ["nav", "hr"]:
        return False
    classes = [element.get("class", "") for element in root.iter("main", "div", "section")]
    landmarks = html_document.landmarks_of(root)
    return set(landmarks) <= {"body"} and not any(map(_CLASSES.search, classes))

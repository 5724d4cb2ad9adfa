"""From the bytes of a page or a feed to its text, whatever character set it claims."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from w3lib.encoding import http_content_type_encoding, read_bom, resolve_encoding

_XML_DECLARATION: Final = re.compile(
    rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""", re.IGNORECASE
)
_META_CHARSET: Final = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_HEAD: Final = 4096
"""Bytes at the beginning of a document in which it may name its character set."""
_CHARACTER_SETS: Final = re.compile(r"utf-(8|16|32)|iso8859|cp\d|gb|big5|koi8|euc|shift|mac-|tis|hz|iso2022")
"""Codecs for text that run in linear time: Python has others under names that a header could ask for."""
_STARTS: Final = (b"<", b"{")
"""First character of a page, a feed."""
_PAIRS: Final = 2
_ALIASES: Final = {"x-gbk": "gbk", "gb-2312": "gbk"}
"""Names seen on the web that Python does not know."""
_BEGINNING: Final = 1024
_CONTROLS: Final = bytes({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1b"))
_MAX_CONTROLS: Final = 0.05
"""Share of control characters above which bytes are no text."""
_REPLACEMENT: Final = "\ufffd"
_UTF8: Final = codecs.getincrementaldecoder("utf-8")
_CHUNK: Final = 32 * 1024


def decoded(body: bytes, content_type: str | None = None) -> tuple[str, str | None]:
    """The text of a feed, and what was wrong with its character set, if anything; see `utf8` for the order.

    >>> decoded("<rss>é</rss>".encode("latin-1"), "text/xml; charset=ISO-8859-1")
    ('<rss>é</rss>', None)
    """
    charset = http_content_type_encoding(content_type)
    text = utf8(body, charset).decode()
    if _REPLACEMENT not in text or _is_utf8(body):
        return text, None
    claim = next(_claims(body, charset), "utf-8")
    return text, f"the bytes do not fit the character set ({claim}), unreadable texts left out"


def utf8(body: bytes, charset: str | None = None) -> bytes:
    """The bytes of a document as UTF-8 without byte order mark; `charset` is what the HTTP header says, if anything.

    A byte order mark is believed first. Bytes that are valid UTF-8 are UTF-8, whatever is claimed (the chance that
    other text is valid is negligible), and so are those of which more characters than not are. Then the HTTP header
    and the document itself are believed, in this order. What the chosen set cannot read becomes U+FFFD; NULs go.

    >>> utf8("é".encode("utf-16")).decode()
    'é'
    """
    wide, mark = wide_characters(body)
    body = body[len(mark) :]
    if wide:
        return _read(body, wide).encode("utf-8", "replace")
    if b"\x00" in body:
        body = body.replace(b"\x00", b"")
    if _is_utf8(body):
        return body
    return _best_reading(body, list(_claims(body, charset))).encode("utf-8", "replace")


def is_binary(body: bytes) -> bool:
    """Whether bytes are no text by their beginning: a stray NUL or two in a page are no proof of it.

    >>> is_binary(b"<p>One word of a longer page</p>" + bytes(1)), is_binary(bytes(range(256)))
    (False, True)
    """
    beginning = body[:_BEGINNING]
    if wide_characters(beginning)[0]:
        return False
    controls = len(beginning) - len(beginning.translate(None, _CONTROLS))
    return controls > len(beginning) * _MAX_CONTROLS


def wide_characters(body: bytes) -> tuple[str | None, bytes]:
    """The character set of a text that has two bytes or four to the character, None for any other; its order mark."""
    marked, mark = read_bom(body)
    if marked:
        return None if marked == "utf-8" else marked, mark or b""
    first, second = body[0:4:2], body[1:4:2]
    if len(second) == _PAIRS and not any(second) and first[:1] in _STARTS:
        return "utf-16-le", b""
    if len(second) == _PAIRS and not any(first) and second[:1] in _STARTS:
        return "utf-16-be", b""
    return None, b""


def _is_utf8(body: bytes) -> bool:
    """Whether the bytes are valid; read in chunks, which stay in the processor's cache and cost a quarter."""
    decoder = _UTF8()
    try:
        for start in range(0, len(body), _CHUNK):
            decoder.decode(body[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _best_reading(body: bytes, claims: Iterable[str]) -> str:
    """The text of bytes that are not valid UTF-8: damaged UTF-8, or the claimed set that reads most of it."""
    damaged = body.decode("utf-8", "replace")
    lost = damaged.count(_REPLACEMENT)
    read = len(damaged) - len(damaged.encode("ascii", "ignore")) - lost
    if read > lost:
        return damaged
    readings = (_read(body, claim) for claim in claims)
    return min([*readings, damaged], key=lambda text: text.count(_REPLACEMENT))


def _read(body: bytes, charset: str) -> str:
    return body.decode(charset, "replace")


def _claims(body: bytes, charset: str | None) -> Iterator[str]:
    """The known character sets that the header and the beginning of the document name, widened as browsers do."""
    head = body[:_HEAD]
    inside = (_XML_DECLARATION.search(head), _META_CHARSET.search(head))
    for name in (charset, *(match[1].decode("ascii", "replace") for match in inside if match)):
        known = resolve_encoding(_ALIASES.get(name.lower(), name)) if name else None
        if known and _is_possible(codecs.lookup(known).name.replace("_", "-"), head):
            yield known


def _is_possible(codec: str, head: bytes) -> bool:
    """Whether bytes whose beginning was read as ASCII can be in a character set, and it is one for text."""
    return bool(_CHARACTER_SETS.match(codec)) and (b"\x00" in head or not codec.startswith(("utf-16", "utf-32")))

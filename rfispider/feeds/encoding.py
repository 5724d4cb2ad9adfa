"""From the bytes of a feed to its text, whatever character set it claims."""

import codecs
import re

from w3lib.encoding import http_content_type_encoding, read_bom, resolve_encoding

_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_WIDE = {b"<\x00": "utf-16-le", b"\x00<": "utf-16-be", b"{\x00": "utf-16-le", b"\x00{": "utf-16-be"}
_CHARACTER_SETS = re.compile(r"utf-(8|16|32)|iso8859|cp\d|gb|big5|koi8|euc|shift|mac-|tis|hz|iso2022")
"""Codecs for text that run in linear time: Python has others under names that a header could ask for."""


def decoded(body: bytes, content_type: str | None = None) -> tuple[str, str | None]:
    """The text of a feed, and what was wrong with its character set, if anything.

    Tried in order: byte order mark, UTF-8 (other bytes are next to never valid UTF-8, and publishers often
    declare the wrong set), the HTTP header, the XML declaration. Failing all,
    UTF-8 with U+FFFD for what it cannot read.
    """
    marked, mark = read_bom(body)
    rest = body[len(mark or b"") :]
    first = marked or _WIDE.get(body[:2]) or "utf-8"
    declared = _declared(body, content_type)
    for name in dict.fromkeys((first, *declared)):
        try:
            return rest.decode(name), None
        except (UnicodeError, LookupError):
            continue
    claim = declared[0] if declared else first
    return rest.decode(first, "replace"), f"the bytes do not fit the character set ({claim}), unreadable texts left out"


def _declared(body: bytes, content_type: str | None) -> list[str]:
    inside = _DECLARED.match(body)
    claims = (http_content_type_encoding(content_type), resolve_encoding(inside[1].decode("ascii")) if inside else None)
    return [claim for claim in claims if claim and _CHARACTER_SETS.match(codecs.lookup(claim).name.replace("_", "-"))]

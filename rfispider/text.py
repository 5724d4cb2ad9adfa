"""What of a text counts: a line as it is stored, the form in which texts are compared, and their hash."""

import re
import unicodedata
from hashlib import blake2b
from typing import Final

HASH_VERSION: Final = "1"
"""Stands before every content hash; raised when the same text would hash differently."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufeff\ufffe\uffff\ud800-\udfff]")
_SPACE: Final = re.compile(r"\s+")
_IRREGULAR: Final = re.compile(r"[^\S ]|  |[\x00-\x08\x0e-\x1b\x7f\ufeff\ufffe\uffff\ud800-\udfff]")
_INVISIBLE: Final = re.compile(r"[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069]")
"""Soft hyphens, zero-width spaces, direction marks. The two joiners (U+200C, U+200D) are not among them: they
change Persian and Khmer words."""
_DECEPTIVE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters but tab and line feed, changes of direction."""
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")


def line(text: str) -> str:
    """One line of text as it is stored: NFC, every run of white space one space, none at the ends.

    Control characters and what UTF-8 cannot hold are dropped; invisible characters of spelling stay, as Khmer
    parts its words by zero-width spaces and Persian joins them.
    """
    if _IRREGULAR.search(text):
        text = _SPACE.sub(" ", _CONTROL.sub("", text))
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return text.strip()


def visible(text: str) -> str:
    """A text as a terminal or a log may show it: what it would obey is shown as U+FFFD."""
    return _DECEPTIVE.sub("\ufffd", text)


def normalise(text: str) -> str:
    """A line in the form in which texts are compared: as `line`, and without invisible characters."""
    return line(_INVISIBLE.sub("", text))


def content_hash(lead: str | None, text: str) -> str:
    """Hash of what a reader reads: "1:" and 32 hex digits of BLAKE2b over the normalised lead and paragraphs.

    A field without text is left out, so that a field added later does not change the hashes of those without it.
    """
    paragraphs = [normalise(paragraph) for paragraph in _PARAGRAPHS.split(text)]
    fields = {"lead": normalise(lead or ""), "text": "\n\n".join(filter(None, paragraphs))}
    told = "\x1e".join(f"{name}\x1f{value}" for name, value in fields.items() if value)
    return f"{HASH_VERSION}:{blake2b(told.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"

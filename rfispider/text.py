"""What of a text counts: its normalised form and the hash by which two states of an article are compared."""

import re
import unicodedata
from hashlib import blake2b
from typing import Final

HASH_VERSION: Final = "1"
"""Stands before every content hash; raised when the same text would hash differently."""

_INVISIBLE: Final = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1b\x7f]"
)
"""Soft hyphens, zero-width spaces, direction marks, control characters. The two joiners (U+200C, U+200D) are not
among them: Persian and Khmer words are spelt with them."""
_SPACE: Final = re.compile(r"\s+")
_UNSEEN: Final = re.compile(
    r"[^\S ]|  |[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x1f\x7f]"
)
_PARAGRAPHS: Final = re.compile(r"\n\s*\n")


def normalise(text: str) -> str:
    """One line of text: NFC, every run of white space one space, none at the ends, no invisible characters."""
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if _UNSEEN.search(text):
        text = _SPACE.sub(" ", _INVISIBLE.sub("", text))
    return text.strip()


def content_hash(lead: str | None, text: str) -> str:
    """Hash of what a reader reads: "1:" and 32 hex digits of BLAKE2b over the normalised lead and paragraphs.

    A field without text is left out, so that a field added later does not change the hashes of those without it.
    """
    paragraphs = [normalise(paragraph) for paragraph in _PARAGRAPHS.split(text)]
    fields = {"lead": normalise(lead or ""), "text": "\n\n".join(filter(None, paragraphs))}
    told = "\x1e".join(f"{name}\x1f{value}" for name, value in fields.items() if value)
    return f"{HASH_VERSION}:{blake2b(told.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"

"""What of a text counts: a line as it is stored, the forms in which texts are compared, and their hash."""

import re
import unicodedata
from hashlib import blake2b
from html import unescape
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
_ENCODED_CHARACTER: Final = re.compile(
    r"%[CDcd][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ee][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){2}"
    r"|%[Ff][0-7](?:%[89ABab][0-9A-Fa-f]){3}"
)
"""A character beyond ASCII in percent-encoded UTF-8."""
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_REFERENCE: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_MAX_ESCAPES: Final = 3
"""How often a character may have been escaped: once by rights, and again by each careless program on the way."""
_USER_INFO: Final = re.compile(r"(?<=://)(?:[^/?#\s,]*|[^/?#\s:@]*:(?!\d{1,5}(?:[/?#]|$))[^@\s,]*)@")
"""What stands before the host of a URL. A password may hold a slash that should have been encoded, so what follows a
colon and is no port belongs to it."""
_SECRET_PARAMETER: Final = re.compile(
    r"([?&;#][^=&;#\s,]*(?:key|token|secret|pass|pwd|auth|sig|credential|session|jwt)[^=&;#\s,]*=)[^&;#\s,]+",
    re.IGNORECASE,
)
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


def printable(text: str) -> str:
    """A text without the characters that neither XML nor UTF-8 can carry."""
    return _UNPRINTABLE.sub("", text)


def unescaped(text: str) -> str:
    """A text with its HTML character references decoded, however often they were escaped.

    Only whole references count: the `&copy` in an address such as `?a=1&copy=2` is none.

    >>> unescaped("Goats &amp;amp; lamps")
    'Goats & lamps'
    """
    for _ in range(_MAX_ESCAPES):
        if "&" not in text:
            break
        text = _REFERENCE.sub(lambda reference: unescape(reference[0]), text)
    return text


def without_spaces(text: str | None) -> str:
    """A text in NFC without its white space, which no reader counts; empty for None."""
    return "".join(unicodedata.normalize("NFC", text).split()) if text else ""


def visible(text: str) -> str:
    """A text as a terminal or a log may show it: what it would obey is shown as U+FFFD."""
    return _DECEPTIVE.sub("\ufffd", text)


def escaped(json: str) -> str:
    r"""JSON as a terminal may show it: what it would obey becomes an escape of JSON, so that no value changes.

    >>> escaped('"a\u202eb"')
    '"a\\u202eb"'
    """
    return _DECEPTIVE.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def without_credentials(text: str) -> str:
    """A text with URLs, without what in them may be secret: user names, passwords, and parameters named like secrets.

    >>> without_credentials("https://ann:s3cret@mirror.example/rss?page=2&token=abc")
    'https://***@mirror.example/rss?page=2&token=***'
    """
    return _SECRET_PARAMETER.sub(r"\1***", _USER_INFO.sub("***@", text))


def readable_urls(text: str) -> str:
    """A text with its percent-encoded URLs as IRIs (RFC 3987, 3.2): letters beyond ASCII as themselves.

    What is not UTF-8 or not visible stays encoded, and so does all of ASCII: `%20` or `%2F` would change where a URL
    ends or leads.

    >>> readable_urls("https://www.rfi.fr/cn/%E6%B3%95%E5%B9%BF%20a%2Fb")
    'https://www.rfi.fr/cn/法广%20a%2Fb'
    """
    return _ENCODED_CHARACTER.sub(lambda match: _decoded(match[0]), text)


def _decoded(encoded: str) -> str:
    character = bytes.fromhex(encoded.replace("%", "")).decode(errors="replace")
    return character if character.isprintable() and "\ufffd" not in character else encoded


def normalise(text: str) -> str:
    """A line in the form in which texts are compared: as `line`, and without invisible characters."""
    return line(_INVISIBLE.sub("", text))


def content_hash(lead: str | None, text: str) -> str:
    """Hash of what a reader reads: "1:" and 32 hex digits of BLAKE2b over the normalised lead and paragraphs.

    A field without text is left out, so that a field added later does not change the hashes of those without it.
    """
    paragraphs = [normalise(paragraph) for paragraph in _PARAGRAPHS.split(text)]
    fields = {"lead": normalise(lead or ""), "text": "\n\n".join(filter(None, paragraphs))}
    hashed = "\x1e".join(f"{name}\x1f{value}" for name, value in fields.items() if value)
    return f"{HASH_VERSION}:{blake2b(hashed.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"

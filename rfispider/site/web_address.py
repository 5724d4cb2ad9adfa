"""Addresses of the web as pages, feeds and sitemaps print them: of articles, pictures, recordings."""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from rfispider import text
from rfispider.site.url_syntax import WEB

MAX_ADDRESS_LENGTH: Final = 4096
"""Characters of the longest address that is read."""
_USUAL: Final = re.compile(r"https?://[a-z0-9.-]+(?:/(?!\.)[!$-.0->@-~]*)+")
"""Absolute addresses, of scheme, host and path without dot segments, in which nothing is to be done."""
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def web_address(printed: object, base: str = "") -> str | None:
    """A printed address made absolute; None for what is no address of the web, and for a place in a page (`#x`).

    White space inside is percent-encoded, line ends and control characters go, half a character becomes U+FFFD.

    >>> web_address(" /a b.jpg ", "https://www.rfi.fr/en/")
    'https://www.rfi.fr/a%20b.jpg'
    >>> web_address("data:image/png;base64,AA==", "https://www.rfi.fr/en/") is None
    True
    """
    if not isinstance(printed, str) or len(printed) > MAX_ADDRESS_LENGTH:
        return None
    if _USUAL.fullmatch(printed):
        return printed
    address = text.printable(_LONE_SURROGATE.sub("\ufffd", printed)).strip()
    if not address or address.startswith("#"):
        return None
    try:
        absolute = urljoin(base, address.replace(" ", "%20"))
        parts = urlsplit(absolute)
    except ValueError:
        return None
    return absolute if parts.scheme in WEB and parts.netloc else None

"""URLs as RFC 3986 and the WHATWG standard have them: resolved, taken apart, decoded and encoded.

Nothing here raises, whatever the string; what browsers forgive is forgiven. Of the site only its hosts and the
codes of its editions matter, for links without scheme and with a slash too many.
"""

import re
from typing import Final

from rfispider.site.editions import EDITIONS, LEGACY_HOSTS
from rfispider.site.hosts import HOST, SITE, SITE_HOSTS, TRACKING_PARAMETERS

WEB: Final = ("http", "https")
"""Schemes of what can be fetched."""
_URI: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
"""RFC 3986, appendix B, with the letters of a scheme as in its section 3.1: matches every string."""
_EDGES: Final = "".join(map(chr, range(0x21)))
"""C0 controls and space, cut from both ends as the WHATWG URL standard has it. U+3000 is part of a slug."""
_BARE_HOST: Final = re.compile(
    rf"(?:{'|'.join(map(re.escape, (*SITE_HOSTS, *LEGACY_HOSTS)))})\.?(?=[:/?#]|\Z)", re.IGNORECASE
)
_WEB_SCHEME: Final = re.compile(r"(https?):/+", re.IGNORECASE)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LINE_ENDS: Final = re.compile(r"[\t\r\n]+")
_DEFAULT_PORTS: Final = ("", "80", "443")
_ENCODED: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_UNSAFE: Final = re.compile(rb"[^!$&'()*+,;=:@\-._~0-9A-Za-z]+")
"""What is encoded in a path: all but the unreserved and the sub-delims of RFC 3986, : and @, as browsers do."""
_TWICE: Final = re.compile(rb"%(?:25)*[89A-Fa-f][0-9A-Fa-f]")
"""What stands for a byte above ASCII after decoding: the path was encoded twice or more."""
_TWICE_SIGN: Final = re.compile(rb"%(?:25)+(?=[0-9A-Fa-f]{2})")


def resolved(url: str, base: str | None) -> str:
    """An absolute URL, by RFC 3986 section 5.2 but for dot segments; what browsers forgive is forgiven."""
    url = _LINE_ENDS.sub("", url).strip(_EDGES)
    if not url.isascii():
        url = _LONE_SURROGATE.sub("\ufffd", url)  # it stands for no character and cannot be encoded
    if _BARE_HOST.match(url):
        return f"https://{url}"
    if web := _WEB_SCHEME.match(url):
        return f"{web[1].lower()}://{url[web.end() :]}"
    scheme, authority, path = _fields(url)[:3]
    if scheme:
        return url
    return _joined(url, authority, path, resolved(base, None) if base else f"{SITE}/")


def _joined(url: str, authority: str | None, path: str, base: str) -> str:
    """A relative URL with the authority and path it has, joined to an absolute one."""
    scheme, base_authority, directory = _fields(base)[:3]
    if not base_authority:
        scheme, base_authority, directory = "https", HOST, "/"
    doubled_slash = authority == "" or (authority in EDITIONS and on_site(_host(base_authority)))
    if authority is not None and not doubled_slash:
        return f"{scheme}:{url}"
    if not path and authority is None:
        return base
    if path.startswith("/") or doubled_slash:
        return f"{scheme}://{base_authority}{url}"
    return f"{scheme}://{base_authority}{directory[: directory.rfind('/')]}/{url}"


def _fields(url: str) -> tuple[str | None, str | None, str, str | None]:
    """Scheme, authority, path and query of any string."""
    match = _URI.match(url)
    assert match is not None  # noqa: S101 - the expression matches the empty string, hence every string
    return match[1], match[2], match[3], match[4]


def split(absolute: str) -> tuple[str, str, str, str]:
    """Scheme, host with a port that is not the default one, path and query of an absolute URL."""
    scheme, authority, path, query = _fields(absolute)
    return (scheme or "").lower(), _host(authority or ""), path, query or ""


def _host(authority: str) -> str:
    """The host, in small letters, without user and default port."""
    host = authority.rpartition("@")[2].lower()
    name, colon, port = host.rpartition(":")
    return (name if colon and port in _DEFAULT_PORTS else host).rstrip(".")


def on_site(host: str) -> bool:
    """Whether a host, as `split` gives it, is the site's, of today or before."""
    return host in SITE_HOSTS or host in LEGACY_HOSTS


def cleaned(absolute: str) -> str:
    """A foreign URL without what names a visit instead of a document."""
    scheme, _, _, query = split(absolute)
    if scheme not in WEB:
        return absolute
    address, _, _ = absolute.partition("#")
    if not query:
        return address.rstrip(_EDGES)
    kept = [pair for pair in query[1:].split("&") if pair and not pair.startswith(TRACKING_PARAMETERS)]
    return (address.partition("?")[0] + "?" * bool(kept) + "&".join(kept)).rstrip(_EDGES + "?&")


def parts(path: str) -> list[bytes]:
    """The decoded parts of a path, however often it was percent-encoded, without empty ones and dot segments."""
    decoded = [_decoded(part) for part in path.split("/")]
    while any(b"%" in part and _TWICE.search(part) for part in decoded):
        decoded = [_ENCODED.sub(_unhexed, _TWICE_SIGN.sub(b"%", part)) for part in decoded]
    kept: list[bytes] = []
    for part in decoded:
        if part == b"..":
            del kept[-1:]
        elif part not in (b"", b"."):
            kept.append(part)
    return kept


def _decoded(part: str) -> bytes:
    if part.isalnum() and part.isascii():
        return part.encode()
    return _ENCODED.sub(_unhexed, part.encode("utf-8", "surrogatepass"))


def _unhexed(run: re.Match[bytes]) -> bytes:
    return bytes.fromhex(run[0].replace(b"%", b"").decode())


def encoded_part(part: bytes) -> str:
    """A part of a path, percent-encoded in capitals: the same for every spelling of it."""
    return (part if part.isalnum() else _UNSAFE.sub(_hexed, part)).decode()


def _hexed(run: re.Match[bytes]) -> bytes:
    return b"%" + run[0].hex("%").upper().encode()


def text(part: bytes) -> str:
    """A decoded part of a path to be read by people; bytes that are no UTF-8 become U+FFFD."""
    return part.decode("utf-8", "replace")

"""Which document a URL names: one canonical form, one key, and what its form tells.

Every function takes any string and raises nothing unless it says so. A URL that does not belong to the site is
of `Kind.FOREIGN`; where a function answers with a part of the path, it answers None for it. The rules by which
a path is read are in `grammar`.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Final

from opencc import OpenCC

from rfispider import grammar, website
from rfispider.items import Kind

ARTICLES: Final = frozenset({Kind.ARTICLE, Kind.WIRE, Kind.EPISODE, Kind.VIDEO})
"""Kinds that are stored."""

_CACHED_URLS: Final = 4096
_CACHED_LENGTH: Final = 2048
"""Longest URL, in characters, that is remembered, so that the cache stays under 30 MB."""

_URI: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
"""RFC 3986, appendix B, with the letters of a scheme as in its section 3.1: matches every string."""
_EDGES: Final = "".join(map(chr, range(0x21)))
"""C0 controls and space, cut from both ends as the WHATWG URL standard has it. U+3000 is part of a slug."""
_BARE_HOST: Final = re.compile(
    rf"(?:{'|'.join(map(re.escape, (*website.SITE_HOSTS, *website.LEGACY_HOSTS)))})\.?(?=[:/?#]|\Z)", re.IGNORECASE
)
_WEB_SCHEME: Final = re.compile(r"(https?):/+", re.IGNORECASE)
_LINE_ENDS: Final = re.compile(r"[\t\r\n]+")
_WEB: Final = ("http", "https")
_DEFAULT_PORTS: Final = ("", "80", "443")
_ENCODED: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_UNSAFE: Final = re.compile(rb"[^!$&'()*+,;=:@\-._~0-9A-Za-z]+")
"""What is encoded in a path: all but the unreserved and the sub-delims of RFC 3986, : and @, as browsers do."""
_TWICE: Final = re.compile(rb"%(?:25)*[89A-Fa-f][0-9A-Fa-f]")
"""What stands for a byte above ASCII after decoding: the path was encoded twice or more."""
_TWICE_SIGN: Final = re.compile(rb"%(?:25)+(?=[0-9A-Fa-f]{2})")
_SHORT_CODE: Final = re.compile(r"/([0-9A-Za-z]+)(?:\.[0-9A-Za-z]+)?/?")


@dataclass(frozen=True, slots=True)
class _Read:
    """A URL, read."""

    canonical: str
    path: grammar.Path | None
    """None for a URL that does not belong to the site."""


def canonical(url: str, base: str | None = None) -> str:
    """The one form of a URL: https, the canonical host, percent-encoded once in capitals, nothing superfluous.

    Relative ones are resolved against `base`, or the site's root without one. Query, fragment, doubled slashes
    and dot segments go; legacy hosts become the edition they were; lists end with a slash and articles do not,
    and where the grammar cannot tell a list the printed slash is kept. Letters of slugs are never folded.
    A foreign URL comes back without fragment, tracking parameters and surrounding space, else as it was.
    """
    return _read(url, base).canonical


def key(url: str) -> str:
    """The identity of a document: 32 hex digits of BLAKE2b (16 bytes) over the canonical URL.

    A slash at the end of a URL of the site never counts, also where the canonical form has one.
    """
    read = _read(url)
    name = read.canonical.removesuffix("/") if read.path else read.canonical
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def kind(url: str) -> Kind:
    """What a URL leads to, judged by its form alone."""
    path = _path(url)
    return path.kind if path else Kind.FOREIGN


def is_article(url_or_kind: str) -> bool:
    """Whether a URL, or a `Kind`, is of what is stored: article, wire, episode or video."""
    return (url_or_kind if isinstance(url_or_kind, Kind) else kind(url_or_kind)) in ARTICLES


def edition(url: str) -> str | None:
    """Code of the edition in the path; None for a path without one, such as that of the oldest feeds."""
    path = _path(url)
    return path.edition if path else None


def section(url: str) -> str | None:
    """Decoded part of the path that names the section of an article, a video or a section page."""
    path = _path(url)
    if path is None or path.kind not in (Kind.SECTION, Kind.ARTICLE, Kind.VIDEO):
        return None
    return path.parts[0] if path.kind is Kind.SECTION or len(path.parts) > 1 else None


def programme(url: str) -> str | None:
    """Decoded part of the path that names the programme of an episode or a programme page."""
    path = _path(url)
    if path is None or len(path.parts) < 2:  # noqa: PLR2004 - the root of the programmes stands before it
        return None
    if path.kind is Kind.PROGRAMME:
        return path.parts[-1]
    return path.parts[-2] if path.kind is Kind.EPISODE and len(path.parts) > 2 else None  # noqa: PLR2004 - same


def slug_date(url: str) -> date | None:
    """Day (UTC) that begins the last part of an article's path; None if there is none or it is no date."""
    path = _path(url)
    dated = grammar.DATED.fullmatch(path.parts[-1]) if path and path.parts else None
    try:
        return date(int(dated[1]), int(dated[2]), int(dated[3])) if dated else None
    except ValueError:
        return None


def short_code(url: str) -> str | None:
    """The code of a short link, which names the article; None for any other URL."""
    scheme, host, path, _ = _split(_resolve(url, None))
    code = _SHORT_CODE.fullmatch(path) if scheme in _WEB and host == website.SHORT_LINK_HOST else None
    return code[1] if code else None


def page_of_list(url: str, number: int) -> str:
    """Address of page `number` (from 1) of a paginated list, whichever of its pages `url` is.

    Raises ValueError for a number below 1 and for a URL that is no list.
    """
    read = _read(url)
    if number < 1 or read.path is None or read.path.kind not in grammar.LISTS:
        raise ValueError(f"no page {number} of {read.canonical}")
    first = read.canonical.rstrip("/") + "/"
    if read.path.page > 1:
        first = first[: first.rstrip("/").rindex("/") + 1]
    return first if number == 1 else f"{first}{number}/"


def twin(url: str) -> str | None:
    """Canonical URL of the same story in the other Chinese script; None outside the two Chinese editions.

    From traditional to simplified every part of a path converts one to one. The way back is a guess where one
    simplified letter stands for several traditional ones.
    """
    read = _read(url)
    code = read.path.edition if read.path else None
    other = website.TWINS.get(code or "")
    if code is None or other is None:
        return None
    parts = _split(read.canonical)[2].split("/")[2:]
    converted = (_quoted(_in_script(website.EDITIONS[other].language, _text(_decode(part))).encode()) for part in parts)
    return canonical("/".join((f"{website.SITE}/{other}", *converted)))


def to_mirror(url: str, base: str) -> str:
    """Where a URL of the site is fetched when the site is served from `base` (scheme, host, path of its root).

    Any other URL comes back as it is.
    """
    read = _read(url)
    return base.rstrip("/") + read.canonical.removeprefix(website.SITE) if read.path else url


def from_mirror(url: str, base: str, page: str | None = None) -> str:
    """Canonical URL of a link as it is printed or resolved on a page of the site served from `base`.

    A relative link is resolved against `page`, the address of that page on the mirror or the canonical one, or
    else against the root. Links to the mirror itself, below its root or with the root left out, and links to the
    canonical host come to the same; a URL of neither passes unchanged.
    """
    resolved = _resolve(url, from_mirror(page, base) if page else None)
    _, mirror_host, root, _ = _split(base)
    scheme, host, path, _ = _split(resolved)
    root = root.rstrip("/")
    if scheme in _WEB and host == mirror_host:
        if path == root or path.startswith(f"{root}/"):
            return canonical(website.SITE + (path.removeprefix(root) or "/"))
        if path.lstrip("/").split("/", 1)[0] in website.EDITIONS:
            return canonical(website.SITE + path)
    elif root and _on_site(host) and path.startswith(f"{root}/"):  # a link to the mirror's root, made absolute
        return canonical(website.SITE + path.removeprefix(root))
    read = _read(resolved)
    return read.canonical if read.path else url


def _path(url: str) -> grammar.Path | None:
    return _read(url).path


def _read(url: str, base: str | None = None) -> _Read:
    """A URL, read; short ones are remembered."""
    if base is not None and not url.startswith(("https://", "http://")):
        url = _resolve(url, base)
    return _remembered(url) if len(url) <= _CACHED_LENGTH else _read_anew(url)


def _read_anew(url: str) -> _Read:
    absolute = _resolve(url, None)
    scheme, host, path, _ = _split(absolute)
    legacy = website.LEGACY_HOSTS.get(host)
    if scheme not in _WEB or not (legacy or host in website.SITE_HOSTS):
        return _Read(_cleaned(absolute), None)
    parts = _parts(path)
    names = tuple(map(_text, parts))
    if legacy and not (names and names[0] in website.EDITIONS):
        parts, names = [legacy.encode(), *parts], (legacy, *names)
    read = grammar.read(names, slashed=path.endswith("/"))
    if legacy and read.kind is Kind.UTILITY:  # the images and style sheets of the old sites did not move
        return _Read(_cleaned(absolute), None)
    if read.kind in grammar.LISTS and read.page == 1 and names[-1:] == ("1",) != read.parts[-1:]:
        parts.pop()  # the first page of a list is the list
    address = "/".join((website.SITE, *map(_quoted, parts)))
    return _Read(f"{address}/" if read.slash else address, read)


_remembered = lru_cache(maxsize=_CACHED_URLS)(_read_anew)


def _parts(path: str) -> list[bytes]:
    """The decoded parts of a path, without empty ones and dot segments."""
    parts: list[bytes] = []
    for part in map(_decode, path.split("/")):
        if part == b"..":
            del parts[-1:]
        elif part not in (b"", b"."):
            parts.append(part)
    return parts


def _decode(part: str) -> bytes:
    """The bytes of a part of a path, however often it was percent-encoded."""
    if part.isalnum() and part.isascii():
        return part.encode()
    decoded = _ENCODED.sub(_unhexed, part.encode("utf-8", "surrogatepass"))
    while b"%" in decoded and _TWICE.search(decoded):
        decoded = _ENCODED.sub(_unhexed, _TWICE_SIGN.sub(b"%", decoded))
    return decoded


def _unhexed(run: re.Match[bytes]) -> bytes:
    return bytes.fromhex(run[0].replace(b"%", b"").decode())


def _quoted(part: bytes) -> str:
    return (part if part.isalnum() else _UNSAFE.sub(_hexed, part)).decode()


def _hexed(run: re.Match[bytes]) -> bytes:
    return b"%" + run[0].hex("%").upper().encode()


def _text(part: bytes) -> str:
    return part.decode("utf-8", "replace")


def _resolve(url: str, base: str | None) -> str:
    """An absolute URL, by RFC 3986 section 5.2 but for dot segments; what browsers forgive is forgiven."""
    url = _LINE_ENDS.sub("", url).strip(_EDGES)
    if _BARE_HOST.match(url):
        return f"https://{url}"
    if web := _WEB_SCHEME.match(url):
        return f"{web[1].lower()}://{url[web.end() :]}"
    scheme, authority, path = _fields(url)[:3]
    if scheme:
        return url
    return _joined(url, authority, path, _resolve(base, None) if base else f"{website.SITE}/")


def _joined(url: str, authority: str | None, path: str, base: str) -> str:
    """A relative URL with the authority and path it has, joined to an absolute one."""
    scheme, base_authority, directory = _fields(base)[:3]
    if not base_authority:
        scheme, base_authority, directory = "https", website.HOST, "/"
    doubled_slash = authority in website.EDITIONS and _on_site(_host(base_authority))
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


def _split(absolute: str) -> tuple[str, str, str, str]:
    """Scheme, host with a port that is not the default one, path and query of an absolute URL."""
    scheme, authority, path, query = _fields(absolute)
    return (scheme or "").lower(), _host(authority or ""), path, query or ""


def _host(authority: str) -> str:
    """The host, in small letters, without user and default port."""
    host = authority.rpartition("@")[2].lower()
    name, colon, port = host.rpartition(":")
    return (name if colon and port in _DEFAULT_PORTS else host).rstrip(".")


def _on_site(host: str) -> bool:
    return host in website.SITE_HOSTS or host in website.LEGACY_HOSTS


def _cleaned(absolute: str) -> str:
    """A foreign URL without what names a visit instead of a document."""
    scheme, _, _, query = _split(absolute)
    if scheme not in _WEB:
        return absolute
    address, _, _ = absolute.partition("#")
    if not query:
        return address.rstrip(_EDGES)
    kept = [pair for pair in query[1:].split("&") if pair and not pair.startswith(website.TRACKING_PARAMETERS)]
    return (address.partition("?")[0] + "?" * bool(kept) + "&".join(kept)).rstrip(_EDGES + "?&")


@cache
def _converter(conversion: str) -> OpenCC:
    return OpenCC(conversion)


def _in_script(language: str, text: str) -> str:
    """Chinese text in simplified letters, or in traditional ones unless some of it already is."""
    simplified = str(_converter("t2s").convert(text))
    if language == "zh-Hans" or simplified != text:
        return simplified if language == "zh-Hans" else text
    traditional = str(_converter("s2t").convert(text))
    return website.TRADITIONAL_WORDS.get(traditional, traditional)

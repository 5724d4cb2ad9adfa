"""Which document a URL names: one canonical form, one key, and what its form says.

Every function takes any string and raises nothing unless it says so. A URL that does not belong to the site is
of `Kind.FOREIGN`; where a function answers with a part of the path, it answers None for it. The rules by which
a path is read are in `url_grammar`, the syntax of URLs is in `url_syntax`.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from rfispider.items import ARTICLE_KINDS, PAGED_KINDS, Kind
from rfispider.site import chinese_script, url_grammar, url_syntax
from rfispider.site.editions import EDITIONS, LEGACY_HOSTS, TWINS
from rfispider.site.hosts import SHORT_LINK_HOST, SITE

MAX_URL_LENGTH: Final = 2_000
"""Characters of the longest URL that is followed."""
MAX_PARTS: Final = 10
"""Most parts of a path, below the edition, that is followed; the deepest that was seen has five."""
MAX_REPEATS: Final = 2
"""How often one part may stand in a path that is followed."""

_CACHED_URLS: Final = 4096
_CONVERTED_LENGTH: Final = 8192
"""Longest URL, in characters, whose script is converted: no address of the site comes near it."""
_CACHED_LENGTH: Final = 2048
"""Longest URL, in characters, that is remembered, so that the cache stays under 30 MB."""

_SHORT_CODE: Final = re.compile(r"/([0-9A-Za-z]+)(?:\.[0-9A-Za-z]+)?/?")


@dataclass(frozen=True, slots=True)
class _ParsedUrl:
    """What is known of a URL by its form."""

    canonical: str
    path: url_grammar.Path | None
    """None for a URL that does not belong to the site."""


def canonical(url: str, base: str | None = None) -> str:
    """The one form of a URL: https, the canonical host, percent-encoded once in capitals, nothing superfluous.

    Relative ones are resolved against `base`, or the site's root without one. Query, fragment, doubled slashes
    and dot segments go; legacy hosts become the edition they were; lists end with a slash and articles do not,
    and where the grammar cannot tell a list the printed slash is kept. Letters of slugs are never folded.
    A foreign URL comes back without fragment, tracking parameters and surrounding space, else as it was.

    >>> canonical("http://rfi.fr//fr/afrique/20260301-été/?xtor=RSS-1#top")
    'https://www.rfi.fr/fr/afrique/20260301-%C3%A9t%C3%A9'
    >>> canonical("../culture", "https://www.rfi.fr/en/africa/")
    'https://www.rfi.fr/en/culture/'
    """
    return _parsed(url, base).canonical


def key(url: str) -> str:
    """The identity of a document: 32 hex digits of BLAKE2b (16 bytes) over the canonical URL.

    A slash at the end of a URL of the site never counts, also where the canonical form has one.

    >>> key("https://www.rfi.fr/en/africa/") == key("http://rfi.fr/en/africa?page=1")
    True
    """
    parsed = _parsed(url)
    name = parsed.canonical.removesuffix("/") if parsed.path else parsed.canonical
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def kind(url: str) -> Kind:
    """What a URL leads to, judged by its form alone.

    >>> [kind(f"https://www.rfi.fr/{path}").value for path in ("en/", "en/africa/20260301-boat", "en/rss", "x.css")]
    ['front', 'article', 'feed', 'utility']
    """
    path = _path(url)
    return path.kind if path else Kind.FOREIGN


def is_article(url_or_kind: str) -> bool:
    """Whether a URL, or a `Kind`, is of what is stored: article, wire, episode or video."""
    return (url_or_kind if isinstance(url_or_kind, Kind) else kind(url_or_kind)) in ARTICLE_KINDS


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
    if path is None:
        return None
    match path.kind, path.parts:
        case Kind.PROGRAMME, [_root, *_, name]:
            return name
        case Kind.EPISODE, [_root, *_, name, _slug]:
            return name
    return None


def slug_date(url: str) -> date | None:
    """Day (UTC) that begins the last part of an article's path; None if there is none or it is no date.

    >>> slug_date("https://www.rfi.fr/en/africa/20260301-boat")
    datetime.date(2026, 3, 1)
    """
    path = _path(url)
    dated = url_grammar.DATED.fullmatch(path.parts[-1]) if path and path.parts else None
    try:
        return date(int(dated[1]), int(dated[2]), int(dated[3])) if dated else None
    except ValueError:
        return None


def days(url: str, *published: datetime | None) -> list[str]:
    """The days (ISO, UTC) that an article belongs to: that of its URL and those of its publication times.

    >>> days("https://www.rfi.fr/en/africa/20260301-boat", datetime(2026, 2, 28, 23, tzinfo=UTC), None)
    ['2026-02-28', '2026-03-01']
    """
    days = {at.astimezone(UTC).date() for at in published if at}
    if in_slug := slug_date(url):
        days.add(in_slug)
    return sorted(day.isoformat() for day in days)


def is_endless(url: str) -> bool:
    """Whether a URL looks like the work of a site that answers any path: too long, too deep, or turning in a circle.

    Longer than `MAX_URL_LENGTH` characters in its canonical form, of more than `MAX_PARTS` parts, or with one part more
    than `MAX_REPEATS` times. Nothing of the site comes near; a relative link that leads from each page to a new one
    does.

    >>> is_endless("https://www.rfi.fr/en/a/a/a/20260301-boat"), is_endless("https://www.rfi.fr/en/a/a/20260301-boat")
    (True, False)
    """
    parsed = _parsed(url)
    parts = parsed.path.parts if parsed.path else ()
    repeats = max(Counter(parts).values(), default=0)
    return len(parsed.canonical) > MAX_URL_LENGTH or len(parts) > MAX_PARTS or repeats > MAX_REPEATS


def short_code(url: str) -> str | None:
    """The code of a short link, which names the article; None for any other URL."""
    scheme, host, path, _ = url_syntax.split(url_syntax.resolved(url, None))
    code = _SHORT_CODE.fullmatch(path) if scheme in url_syntax.WEB and host == SHORT_LINK_HOST else None
    return code[1] if code else None


def page_of_list(url: str, number: int) -> str:
    """Address of page `number` (from 1) of a paginated list, whichever of its pages `url` is.

    Raises ValueError for a number below 1 and for a URL that is no list.

    >>> page_of_list("https://www.rfi.fr/en/africa/3/", 2)
    'https://www.rfi.fr/en/africa/2/'
    """
    parsed = _parsed(url)
    if number < 1 or parsed.path is None or parsed.path.kind not in PAGED_KINDS:
        raise ValueError(f"no page {number} of {parsed.canonical}")
    first = parsed.canonical.rstrip("/") + "/"
    if parsed.path.page > 1:
        first = first[: first.rstrip("/").rindex("/") + 1]
    return first if number == 1 else f"{first}{number}/"


def list_page(url: str) -> int:
    """Which page of a paginated list a URL is, from 1; 1 for any other URL."""
    path = _path(url)
    return path.page if path else 1


def twin(url: str) -> str | None:
    """Canonical URL of the same story in the other Chinese script; None outside the two Chinese editions.

    From traditional to simplified every part of a path converts one to one. The way back is a guess where one
    simplified letter stands for several traditional ones.
    """
    parsed = _parsed(url)
    code = parsed.path.edition if parsed.path else None
    other = TWINS.get(code or "")
    if code is None or other is None or len(parsed.canonical) > _CONVERTED_LENGTH:
        return None
    language = EDITIONS[other].language
    path = url_syntax.split(parsed.canonical)[2]
    parts = [chinese_script.converted(url_syntax.text(part), language).encode() for part in url_syntax.parts(path)[1:]]
    converted = "/".join((f"{SITE}/{other}", *map(url_syntax.encoded_part, parts)))
    return canonical(f"{converted}/" if parsed.path and parsed.path.slash else converted)


def to_mirror(url: str, base: str) -> str:
    """Where a URL of the site is fetched when the site is served from `base` (scheme, host, path of its root).

    Without a base it is fetched from the site itself. Any other URL comes back as it is.
    """
    parsed = _parsed(url)
    return (base or SITE).rstrip("/") + parsed.canonical.removeprefix(SITE) if parsed.path else url


def from_mirror(url: str, base: str, page: str | None = None) -> str:
    """Canonical URL of a link as it is printed or resolved on a page of the site served from `base`.

    A relative link is resolved against `page`, the address of that page on the mirror or the canonical one, or
    else against the root. Links to the mirror itself, below its root or with the root left out, and links to the
    canonical host come to the same; a URL of neither passes unchanged.

    >>> from_mirror("http://localhost:8000/rfi/en/africa/20260301-boat", "http://localhost:8000/rfi")
    'https://www.rfi.fr/en/africa/20260301-boat'
    """
    page = from_mirror(page, base) if page and not _is_absolute(url) else None
    if page and page.startswith(f"{SITE}/") and url.startswith("/") and not url.startswith("//"):
        page = None  # of a link from the root only the site counts: so it is remembered for all pages
    return _mirrored(url, base, page) if len(url) <= _CACHED_LENGTH else _mirrored.__wrapped__(url, base, page)


@lru_cache(maxsize=_CACHED_URLS)
def _mirrored(url: str, base: str, page: str | None) -> str:
    """`from_mirror` for the canonical address of a page."""
    resolved = url_syntax.resolved(url, page)
    path = _path_on_mirror(resolved, base)
    if path is not None:
        return canonical(SITE + path)
    parsed = _parsed(resolved)
    return parsed.canonical if parsed.path else url


def _path_on_mirror(resolved: str, base: str) -> str | None:
    """The path on the site of an absolute link that stands for the mirror; None for a link that does not."""
    _, mirror_host, root, _ = url_syntax.split(base)
    scheme, host, path, _ = url_syntax.split(resolved)
    root = root.rstrip("/")
    below_root = path.startswith(f"{root}/")
    if scheme in url_syntax.WEB and host == mirror_host:
        if below_root or path == root:
            return path.removeprefix(root) or "/"
        return path if path.lstrip("/").split("/", 1)[0] in EDITIONS else None
    absolute_from_root = root and below_root and url_syntax.on_site(host)
    return path.removeprefix(root) if absolute_from_root else None


def _path(url: str) -> url_grammar.Path | None:
    return _parsed(url).path


def _parsed(url: str, base: str | None = None) -> _ParsedUrl:
    """What is known of a URL; that of short ones is remembered."""
    if base is not None and not _is_absolute(url):
        url = url_syntax.resolved(url, base)
    return _remembered(url) if len(url) <= _CACHED_LENGTH else _parsed_anew(url)


def _is_absolute(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _parsed_anew(url: str) -> _ParsedUrl:
    absolute = url_syntax.resolved(url, None)
    scheme, host, path, _ = url_syntax.split(absolute)
    if scheme in url_syntax.WEB and url_syntax.on_site(host) and (parsed := _on_site(path, LEGACY_HOSTS.get(host))):
        return parsed
    return _ParsedUrl(url_syntax.cleaned(absolute), None)


def _on_site(path: str, legacy: str | None) -> _ParsedUrl | None:
    """What is known of a path of the site, or of the host that was the edition `legacy`; None if it leads elsewhere."""
    parts = url_syntax.parts(path)
    names = tuple(map(url_syntax.text, parts))
    if legacy and not (names and names[0] in EDITIONS):
        parts, names = [legacy.encode(), *parts], (legacy, *names)
    read = url_grammar.read(names, slashed=path.endswith("/"))
    if legacy and read.kind is Kind.UTILITY:  # the images and style sheets of the old sites did not move
        return None
    if _is_first_page(read, names):
        parts.pop()  # the first page of a list is the list
    whole = "/".join((SITE, *map(url_syntax.encoded_part, parts)))
    return _ParsedUrl(f"{whole}/" if read.slash else whole, read)


def _is_first_page(path: url_grammar.Path, names: tuple[str, ...]) -> bool:
    return path.kind in PAGED_KINDS and path.page == 1 and names[-1:] == ("1",) != path.parts[-1:]


_remembered = lru_cache(maxsize=_CACHED_URLS)(_parsed_anew)

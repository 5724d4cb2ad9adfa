"""What a path of the site says by its form alone: edition, kind, page of a list.

What paths are made of is data of `editions`; here are only the rules. They were derived from 1,009 URLs of eleven
editions and on 6,575 of the Chinese one, and are meant to hold for words never seen. Below the edition:

* a last part `YYYYMMDD-slug` is an article; below a programme root, or with two or more parts before it, an
  episode (every dated path of three parts that was seen is one);
* a part `YYYY` after the first is an archive; a last part of one to three digits is a page of a list;
* two parts are tag, author, section or programme, by what the first is known for. An unknown first part is
  taken for a programme root, since nearly all sections have one part;
* one part that is no known word is judged by its shape, see `_looks_like_wire`; what is left is a section if it
  was printed with a slash at the end and one of the site's own pages if not: the site prints 117 of 124 lists
  with a slash and 36 of 39 of its own pages without.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Final

from rfispider.items import PAGED_KINDS, Kind
from rfispider.site.editions import (
    EDITION_OF_BARE_PATHS,
    EDITIONS,
    GENERAL_ROOTS,
    OWN_NAME,
    SHARED_AUTHOR_ROOTS,
    SHARED_LIVE_PAGES,
    SHARED_PROGRAMME_ROOTS,
    SHARED_SECTIONS,
    SHARED_UTILITY_PAGES,
    SHARED_VIDEO_ROOTS,
    TWINS,
    WIRE_ROOTS,
    Edition,
)
from rfispider.site.hosts import FEED_NAME, FEED_TYPES, FILE_TYPES, PACKED, SITEMAP_NAME, SITEMAP_ROOT


@dataclass(frozen=True, slots=True)
class Path:
    """What a path says."""

    edition: str | None
    """Code of the edition, None for paths without one: those of the French site before 2020, and files."""
    parts: tuple[str, ...]
    """Decoded parts below the edition, without the number of a page."""
    kind: Kind
    page: int
    """Which page of a list, from 1."""
    slash: bool
    """Whether the address ends with a slash: the site redirects a list without it, and an article with it."""


class _Role(Enum):
    """What a word means where it stands as the first part below the edition."""

    SECTION = auto()
    LIVE_FEED = auto()
    PROGRAMMES = auto()
    VIDEOS = auto()
    TAGS = auto()
    AUTHORS = auto()
    ARCHIVE = auto()
    LIVE = auto()
    UTILITY = auto()
    WIRE = auto()
    GENERAL = auto()


_ALONE: Final[dict[_Role | None, Kind]] = {
    _Role.LIVE_FEED: Kind.LIVE_FEED,
    _Role.LIVE: Kind.LIVE,
    _Role.UTILITY: Kind.UTILITY,
    _Role.GENERAL: Kind.UTILITY,
    _Role.WIRE: Kind.UTILITY,
}
"""Kind of a path of one known word; the others are lists: `Kind.SECTION`."""

_UNDATED: Final[dict[_Role | None, Kind]] = {
    **_ALONE,
    None: Kind.PROGRAMME,
    _Role.SECTION: Kind.SECTION,
    _Role.VIDEOS: Kind.SECTION,
    _Role.ARCHIVE: Kind.SECTION,
    _Role.PROGRAMMES: Kind.PROGRAMME,
    _Role.TAGS: Kind.TAG,
    _Role.AUTHORS: Kind.AUTHOR,
}
"""Kind of a path of two or more parts without a date, by its first part."""

_DATED_KIND: Final[dict[_Role | None, Kind]] = {
    _Role.WIRE: Kind.WIRE,
    _Role.VIDEOS: Kind.VIDEO,
    _Role.PROGRAMMES: Kind.EPISODE,
}

DATED: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:-(.*))?", re.DOTALL)
"""Last part of a dated article: year, month, day, slug. The date may be impossible: the site prints it wrong."""
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_MONTH: Final = re.compile(r"[0-9]{1,2}")
_PAGE: Final = re.compile(r"[1-9][0-9]{0,2}")
_CODE: Final = re.compile(r"[a-z]{2}")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")

_HAN_SECTION: Final = 3
"""Longest part, in letters, that is no agency copy in an edition written in Chinese."""
_HAN_SLASHED_SECTION: Final = 6
"""The same for a part printed with a slash, if it has no hyphen: 30 of 2,274 copies are as short."""
_WIRE_LENGTH: Final = 20
"""Shortest part, in letters, that may be an agency copy in a language with spaces."""
_WIRE_HYPHENS: Final = {(True, False): 3, (True, True): 5, (False, False): 5, (False, True): 6}
"""Fewest hyphens of an agency copy in a language with spaces, by (edition is known to carry them, slash)."""
_LIVE_HYPHENS: Final = 1


def read(parts: tuple[str, ...], *, slashed: bool) -> Path:
    """Decoded, non-empty parts of a path of the site, and whether it was printed with a slash at its end."""
    edition, below = _edition(parts)
    page = _page(edition, below)
    if page:
        below = below[:-1]
    kind = _kind(parts, below, edition, slashed=slashed)
    videos = len(below) == 1 and _role(edition, below[0]) is _Role.VIDEOS
    return Path(edition, below, kind, page or 1, slash=kind in PAGED_KINDS and not videos)


def _edition(parts: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The edition of a path, None if it has none that is known, and the parts below it."""
    below_sitemaps = parts[:1] == (SITEMAP_ROOT,) and len(parts) > 1
    code = parts[1] if below_sitemaps else parts[0] if parts else ""
    edition = code if code in EDITIONS else None
    return edition, parts[1:] if edition or _CODE.fullmatch(code) else parts


def _page(edition: str | None, below: tuple[str, ...]) -> int | None:
    """The number of a page of a list that stands at the end of a path; None if there is none."""
    if not below or not _PAGE.fullmatch(below[-1]) or _archive(edition, below) or _named(edition, below):
        return None
    return int(below[-1])


def _named(edition: str | None, below: tuple[str, ...]) -> bool:
    """Whether the last part is the name of a tag or an author, which may be a number."""
    return len(below) == 2 and _role(edition, below[0]) in (_Role.TAGS, _Role.AUTHORS)  # noqa: PLR2004 - root and name


def _kind(parts: tuple[str, ...], below: tuple[str, ...], edition: str | None, *, slashed: bool) -> Kind:
    """What the whole path leads to."""
    if file := _file(parts):
        return file
    if not below:
        return Kind.FRONT
    if dated := DATED.fullmatch(below[-1]):
        return _dated(edition, below, dated[4] or "")
    if archive := _archive(edition, below):
        return archive
    if len(below) == 1:
        return _alone(edition, below[0], slashed=slashed)
    return _UNDATED[_role(edition, below[0])]


def _file(parts: tuple[str, ...]) -> Kind | None:
    """Feeds, sitemaps and files, which are known by their last part."""
    if not parts:
        return None
    name, dot, ending = parts[-1].lower().removesuffix(PACKED).rpartition(".")
    if parts[0] == SITEMAP_ROOT or (SITEMAP_NAME in name and ending in FEED_TYPES):
        return Kind.SITEMAP
    if ending == FEED_NAME or (dot and ending in FEED_TYPES):
        return Kind.FEED
    return Kind.UTILITY if dot and ending in FILE_TYPES else None


def _dated(edition: str | None, below: tuple[str, ...], slug: str) -> Kind:
    """What a path leads to whose last part is dated."""
    if slug == FEED_NAME:  # an old page about the feeds
        return Kind.UTILITY
    role = _role(edition, below[0]) if len(below) > 1 else None
    return _DATED_KIND.get(role) or (Kind.EPISODE if len(below) > 2 else Kind.ARTICLE)  # noqa: PLR2004 - section and slug are two


def _archive(edition: str | None, below: tuple[str, ...]) -> Kind | None:
    """`root/YYYY`, `root/section/YYYY` and `root/YYYY/MM` are lists of days; with one part more, a day."""
    if len(below) == 1 or _role(edition, below[0]) in (_Role.TAGS, _Role.AUTHORS):
        return None
    for place, part in enumerate(below[1:], 1):
        if _YEAR.fullmatch(part):
            after = below[place + 1 :]
            whole = not after or (len(after) == 1 and _MONTH.fullmatch(after[0]))
            return Kind.ARCHIVE_YEAR if whole else Kind.ARCHIVE_DAY
    return None


def _alone(edition: str | None, word: str, *, slashed: bool) -> Kind:
    """What a path of a single part without a date leads to."""
    if role := _role(edition, word):
        return _ALONE.get(role, Kind.SECTION)
    first, *others = word.split("-")
    if len(others) == _LIVE_HYPHENS and _role(edition, first) is _Role.LIVE:
        return Kind.LIVE
    if edition and _looks_like_wire(EDITIONS[edition], word, slashed=slashed):
        return Kind.WIRE
    chinese = edition is not None and _HAN.search(word) is not None
    return Kind.SECTION if slashed or chinese else Kind.UTILITY


def _looks_like_wire(edition: Edition, word: str, *, slashed: bool) -> bool:
    """Whether an unknown part has the shape of a headline.

    Of 2,274 agency copies seen in Chinese the shortest have 4 letters, and all but 30 have more than 6 or a
    hyphen; a word in Latin letters is there at most a leftover of the newsroom's software, and an article. The 13
    seen in languages with spaces have 7 hyphens or more, while sections have at most 3 and the site's own pages 5.
    Fewer are asked for where such copies are common: a page fetched in vain costs less than an article lost. Few
    words with the radio's name among them are one of its own pages.
    """
    hyphens = word.count("-")
    if edition.language.startswith("zh"):
        if not _HAN.search(word):
            return hyphens > 0
        return len(word) > (_HAN_SLASHED_SECTION if slashed and not hyphens else _HAN_SECTION)
    if OWN_NAME in word.lower().split("-") and hyphens <= _WIRE_HYPHENS[False, False]:
        return False
    return len(word) >= _WIRE_LENGTH and hyphens >= _WIRE_HYPHENS[edition.has_wires, slashed]


def _role(edition: str | None, word: str) -> _Role | None:
    """What a word means as the first part below an edition; paths without one are read as French."""
    return _roles(edition or EDITION_OF_BARE_PATHS).get(_fold(word))


def _fold(word: str) -> str:
    """One spelling for looking words up: the site prints some with and without accents."""
    if word.isascii():
        return word.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFD", word)).casefold()


@cache
def _roles(code: str) -> dict[str, _Role]:
    """The known words of an edition and of its twin: paths in either script stand below both."""
    twin = TWINS.get(code)
    return {**(_own_roles(twin) if twin else {}), **_own_roles(code)}


def _own_roles(code: str) -> dict[str, _Role]:
    """The known words of one edition. Where a word has two meanings, the one named last here holds."""
    edition = EDITIONS[code]
    words: dict[_Role, tuple[str, ...]] = {
        _Role.UTILITY: SHARED_UTILITY_PAGES + edition.utility_pages,
        _Role.LIVE: SHARED_LIVE_PAGES + edition.live_pages,
        _Role.PROGRAMMES: SHARED_PROGRAMME_ROOTS + edition.programme_roots,
        _Role.SECTION: SHARED_SECTIONS + edition.sections + edition.more_sections,
        _Role.VIDEOS: SHARED_VIDEO_ROOTS + edition.video_roots,
        _Role.LIVE_FEED: edition.live_feeds,
        _Role.TAGS: edition.tag_roots,
        _Role.AUTHORS: SHARED_AUTHOR_ROOTS + edition.author_roots,
        _Role.ARCHIVE: (edition.archive_root,) if edition.archive_root else (),
        _Role.WIRE: WIRE_ROOTS,
        _Role.GENERAL: GENERAL_ROOTS,
    }
    return {_fold(word): role for role, many in words.items() for word in many}

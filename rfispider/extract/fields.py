"""Each field of an article from the first of its sources that tells it, and which one that was."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from stringzilla import find

from rfispider.extract import element_text, json_ld, media, times
from rfispider.extract.html_document import Document
from rfispider.extract.layout import ArticleLayout
from rfispider.extract.text_blocks import Block
from rfispider.items import Audio, Entry, Image, Page
from rfispider.site import selectors, urls
from rfispider.site.hosts import SHORT_LINK_HOST

JSONLD, META, MARKUP, FEED, URL = "jsonld", "meta", "markup", "feed", "url"
"""Sources of fields, as `Article.provenance` names them."""

Value = TypeVar("Value")
Told = tuple[Value, str]
"""A value and its source."""

_SUFFIX: Final = re.compile(
    r"(?:\s*[-–—|·]\s*(?:" + "|".join(map(re.escape, sorted(selectors.SITE_NAMES, key=len, reverse=True))) + r"))+\s*$",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(r"\s*[,;，、،；]\s*")
_SHARED: Final = re.compile(selectors.SHARED_SHORT_LINK.encode())
_PRINTED: Final = re.compile(selectors.PRINTED_SHORT_LINK.encode(), re.IGNORECASE)
_DATE_OF_SLUG: Final = re.compile(r"^\d{8}-")
_CUT_OFF: Final = ("…", "...")
_MAX_NAME: Final = 120
"""Characters of the longest author or tag."""
_MAX_NAMES: Final = 60
_SHARE_BEGINS: Final = f"%2F%2F{SHORT_LINK_HOST}%2F".encode()
_SHORT_BEGINS: Final = f"//{SHORT_LINK_HOST}/".encode()
_BEFORE_SHORT: Final = 60
"""Bytes of the longest attribute name before a printed short link."""


@dataclass(slots=True)
class Sources:
    """Everything that tells something of one article."""

    page: Page
    parsed: Document
    places: ArticleLayout
    told: json_ld.Thing
    """The article's object in JSON-LD; empty if there is none."""

    @property
    def entry(self) -> Entry:
        """What the source that led to the page said; nothing if there was none."""
        return self.page.entry or Entry(url=self.page.url)

    def marked(self, classes: tuple[str, ...]) -> Iterator[Any]:
        """Elements of the article that have one of the classes; of the page, if the article is not found."""
        scope = self.places.article if self.places.article is not None else self.parsed.root
        return element_text.inside(scope, classes)


def first(candidates: Iterable[Told[Value]]) -> tuple[Value | None, str]:
    """The first candidate that is not empty; (None, "") if all are."""
    return next(((value, source) for value, source in candidates if value), (None, ""))


# ---- title, names ----------------------------------------------------------------------------------------


def title(sources: Sources) -> tuple[str | None, str]:
    """The headline without the name of the site behind it."""
    candidates = [(without_site(printed), source) for printed, source in _titles(sources)]
    chosen, source = first(candidates)
    if chosen and chosen.endswith(_CUT_OFF):  # some places shorten it
        begun = chosen.rstrip("….").rstrip()
        longer = ((text, origin) for text, origin in candidates if text.startswith(begun) and len(text) > len(chosen))
        return next(longer, (chosen, source))
    return chosen, source


def _titles(sources: Sources) -> Iterator[Told[str]]:
    parsed = sources.parsed
    yield element_text.decoded(sources.told.get("headline") or sources.told.get("name")), JSONLD
    yield element_text.decoded(parsed.meta("og:title")), META
    yield element_text.decoded(parsed.meta("twitter:title")), META
    if not parsed.fragment:
        headings = [*element_text.classed(parsed.all("h1"), selectors.TITLE_CLASSES), *parsed.all("h1")]
        yield element_text.decoded(element_text.of(headings[0])) if headings else "", MARKUP
    yield element_text.decoded(sources.entry.title), FEED
    yield element_text.decoded(parsed.all("title")[0].text) if parsed.all("title") else "", META
    yield _slug_words(sources.page.url), URL


def without_site(printed: str) -> str:
    """A title without the names of the site that follow it after a dash; a title that is nothing else stays."""
    return _SUFFIX.sub("", printed) or printed


def _slug_words(url: str) -> str:
    """The words of the last part of a path, without its date."""
    slug = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return element_text.decoded(_DATE_OF_SLUG.sub("", slug).replace("-", " "))


def authors(sources: Sources) -> tuple[list[str] | None, str]:
    """Names of people and desks."""
    return first(
        (
            (_names(sources.told.get("author")), JSONLD),
            (_unique(map(element_text.of, sources.marked(selectors.AUTHOR_CLASSES))), MARKUP),
            (_split(sources.parsed.meta("author")), META),
            (_unique(sources.entry.authors), FEED),
        )
    )


def tags(sources: Sources) -> tuple[list[str] | None, str]:
    """Keywords."""
    listed = [link for block in sources.marked(selectors.TAGS_CLASSES) for link in block.iterdescendants("a")]
    return first(
        (
            (_names(sources.told.get("keywords")), JSONLD),
            (_unique(sources.parsed.metas.get("article:tag", ())), META),
            (_unique(map(element_text.of, listed)), MARKUP),
            (_split(sources.parsed.meta("keywords")), META),
            (_unique(sources.entry.keywords), FEED),
        )
    )


def _names(value: object) -> list[str]:
    """Names in a JSON-LD value: a string of several, an object, a list of either."""
    if isinstance(value, str):
        return _split(value)
    if isinstance(value, dict):
        return _names(value.get("name"))
    if isinstance(value, list):
        names = (each.get("name") if isinstance(each, dict) else each for each in value[:_MAX_NAMES])
        return _unique(each for each in names if isinstance(each, str))
    return []


def _split(printed: str) -> list[str]:
    return _unique(_LISTED.split(element_text.decoded(printed)))


def _unique(printed: Iterable[str]) -> list[str]:
    names = (element_text.decoded(name) for name in printed)
    return list(dict.fromkeys(name for name in names if name and len(name) <= _MAX_NAME))[:_MAX_NAMES]


# ---- lead ------------------------------------------------------------------------------------------------


def lead(sources: Sources, cut: list[Block]) -> tuple[str | None, str]:
    """What stands between title and body.

    A description is the lead only on a page whose markup was not recognised: elsewhere it would have been shown,
    and what is told then is the beginning of the text.
    """
    element = sources.places.lead
    if element is not None:
        return first([(element_text.of(element), MARKUP)])
    if sources.parsed.fragment or sources.places.article is not None:
        return None, ""
    begins = "".join(block.line for block in cut[:3])
    described = [
        (element_text.decoded(sources.told.get("description")), JSONLD),
        (element_text.decoded(sources.parsed.meta("og:description")), META),
    ]
    return first((text, source) for text, source in described if not begins.startswith(text.rstrip("….")))


# ---- times -----------------------------------------------------------------------------------------------


def published_at(sources: Sources) -> tuple[datetime | None, str]:
    """When the article came out, UTC."""
    return _believable(sources, _published(sources))


def modified_at(sources: Sources) -> tuple[datetime | None, str]:
    """When it was last changed, UTC."""
    return _believable(sources, _modified(sources))


def _believable(sources: Sources, candidates: Iterator[Told[datetime | None]]) -> tuple[datetime | None, str]:
    fetched = sources.page.fetched_at
    return first((moment, source) for moment, source in candidates if times.believable(moment, fetched))


def _published(sources: Sources) -> Iterator[Told[datetime | None]]:
    yield times.iso(sources.told.get("datePublished")), JSONLD
    yield times.iso(sources.parsed.meta("article:published_time")), META
    yield times.iso(sources.parsed.meta("datePublished")), META
    yield from ((moment, MARKUP) for moment in _shown(sources)[:1])
    yield sources.entry.published_at, FEED
    yield times.midnight(urls.slug_date(sources.page.url)), URL


def _modified(sources: Sources) -> Iterator[Told[datetime | None]]:
    yield times.iso(sources.told.get("dateModified")), JSONLD
    yield times.iso(sources.parsed.meta("article:modified_time")), META
    yield times.iso(sources.parsed.meta("og:updated_time")), META
    shown = _shown(sources)
    yield from ((moment, MARKUP) for moment in shown[1:2])
    yield sources.entry.modified_at, FEED
    if not sources.parsed.fragment:  # a page that tells no change was not changed; an entry has no place to tell it
        yield from ((moment, MARKUP) for moment in shown[:1])


def _shown(sources: Sources) -> list[datetime]:
    """The times that the article shows: when it came out, then when it was changed."""
    if sources.places.time is not None:
        return times.displayed(sources.places.time.text or "")
    for block in sources.marked(selectors.DATES_CLASSES):
        told = [times.iso(element.get("datetime")) for element in block.iter("time")]
        if moments := [moment for moment in told if moment] or times.displayed(element_text.of(block)):
            return moments
    return []


# ---- media -----------------------------------------------------------------------------------------------


def images(sources: Sources) -> tuple[list[Image] | None, str]:
    """The main picture first, then those of the body in order, each at the largest size that is offered."""
    base, places = sources.page.url, sources.places
    told = media.addresses_of(sources.told.get("image"), base)
    meta = [url for url in map(_address(base), sources.parsed.metas.get("og:image", ())) if url]
    shown = media.pictures(places.article, base) if places.article is not None else []
    if shown:
        return media.merged(shown, [*told, *meta]), MARKUP
    named = [(told, JSONLD), (meta, META), ([sources.entry.image] if sources.entry.image else [], FEED)]
    real = (([url for url in addresses if not media.is_placeholder(url)], source) for addresses, source in named)
    addresses, source = first(real)
    return ([Image(url=url) for url in _largest_each(addresses)], source) if addresses else (None, "")


def _address(base: str) -> Callable[[str], str | None]:
    return lambda printed: media.web_address(printed, base)


def _largest_each(addresses: list[str]) -> list[str]:
    """One address for each picture: the largest of its sizes."""
    sizes: dict[str, list[str]] = {}
    for url in addresses:
        sizes.setdefault(media.identity(url), []).append(url)
    return [media.largest(urls_of_one) or "" for urls_of_one in sizes.values()]


def audio(sources: Sources) -> tuple[list[Audio] | None, str]:
    """The recording of the whole article first, then those of its players."""
    base, article = sources.page.url, sources.places.article
    told = media.recordings_of(sources.told.get("audio") or sources.told.get("associatedMedia"), base)
    shown = media.players(article, base) if article is not None else []
    fed = [sources.entry.audio] if sources.entry.audio else []
    found = media.without_doubles([*told, *shown, *fed])
    return first([(found, JSONLD if told else MARKUP if shown else FEED)])


# ---- short link ------------------------------------------------------------------------------------------


def short_code(sources: Sources) -> tuple[str | None, str]:
    """The code of the short link that the page offers for sharing."""
    body = sources.parsed.body
    begin = find(body, _SHARE_BEGINS)
    found = _SHARED.match(body, begin) if begin >= 0 else None
    if found is None and (begin := find(body, _SHORT_BEGINS)) >= 0:
        found = _PRINTED.search(body, max(begin - _BEFORE_SHORT, 0))
    return (found[1].decode("ascii"), MARKUP) if found else (None, "")

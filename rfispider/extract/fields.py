"""Each field of an article, from the first of its sources that has it, and which source that was."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from stringzilla import find

from rfispider.extract import element_text, layout, media
from rfispider.extract.html_document import Document
from rfispider.extract.json_ld import Node
from rfispider.extract.layout import ArticleLayout
from rfispider.extract.text_blocks import Block
from rfispider.items import Audio, Entry, Image, Page
from rfispider.site import dates, selectors, urls
from rfispider.site.hosts import SHORT_LINK_HOST

JSONLD, META, MARKUP, FEED, URL = "jsonld", "meta", "markup", "feed", "url"
"""Sources of fields, as `Article.provenance` names them."""

Value = TypeVar("Value")
Sourced = tuple[Value, str]
"""A value and its source."""
Fields = dict[str, Sourced[Any]]
"""Values and their sources by the name of the field."""

_SUFFIX: Final = re.compile(
    r"(?:\s*[-–—|·]\s*(?:" + "|".join(map(re.escape, sorted(selectors.SITE_NAMES, key=len, reverse=True))) + r"))+\s*$",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(r"\s*[,;，、،；]\s*")
_SHARED: Final = re.compile(selectors.SHARED_SHORT_LINK.encode())
_PRINTED: Final = re.compile(selectors.PRINTED_SHORT_LINK.encode(), re.IGNORECASE)
_DATE_OF_SLUG: Final = re.compile(r"^\d{8}-")
_CUT_OFF: Final = ("…", "...")
_SHORTENED: Final = 90
"""Bytes of a headline from which on it may have been shortened: to 110 characters or bytes, at the end of a word."""
_ALIKE: Final = str.maketrans("’‘“”\u00a0\u202f", "''\"\"  ")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_MAX_NAME: Final = 120
"""Characters of the longest author or tag."""
_MAX_NAMES: Final = 60
_SHARE_BEGINS: Final = f"%2F%2F{SHORT_LINK_HOST}%2F".encode()
_SHORT_BEGINS: Final = f"//{SHORT_LINK_HOST}/".encode()
_BEFORE_SHORT: Final = 60
"""Bytes of the longest attribute name before a printed short link."""


@dataclass(slots=True)
class Sources:
    """Everything from which the fields of one article are read."""

    page: Page
    document: Document
    layout: ArticleLayout
    json_ld: Node
    """The article's node in JSON-LD; empty if there is none."""

    @property
    def entry(self) -> Entry:
        """What the source that led to the page said of it; an entry without fields if there was none."""
        return self.page.entry or Entry(url=self.page.url)

    def marked(self, classes: tuple[str, ...]) -> Iterator[Any]:
        """Elements of the article that have one of the classes; of the page, if the article is not found."""
        scope = self.layout.article if self.layout.article is not None else self.document.root
        return element_text.inside(scope, classes)


def first(candidates: Iterable[Sourced[Value]]) -> tuple[Value | None, str]:
    """The first candidate that is not empty; (None, "") if all are."""
    return next(((value, source) for value, source in candidates if value), (None, ""))


# ---- title, names ----------------------------------------------------------------------------------------


def title(sources: Sources) -> tuple[str | None, str]:
    """The headline without the name of the site behind it, and whole if any place has the whole of it."""
    candidates = ((without_site(printed), source) for printed, source in _titles(sources))
    headline, source = first(candidates)
    if headline is None:
        return None, ""
    shown = without_site(_heading(sources))
    if shown == headline and not headline.endswith(_CUT_OFF):
        return headline, source
    wholes = chain([(shown, MARKUP)], candidates)
    return next((whole for whole in wholes if _is_cut_off(headline, whole[0])), (headline, source))


def _is_cut_off(headline: str, whole: str) -> bool:
    """Whether a headline is the beginning of another one and was shortened: Google asks for 110 characters at most.

    Shortened are those that end with dots, inside a word, or near that length in characters or bytes.

    >>> _is_cut_off("The tin boat sails and the light", "The tin boat sails and the lighthouse walks")
    True
    >>> _is_cut_off("The tin boat sails", "The tin boat sails - in pictures")
    False
    """
    beginning = headline.rstrip("….").rstrip()
    if len(whole) <= len(headline) or not _comparable(whole).startswith(_comparable(beginning)):
        return False
    inside_word = (beginning[-1:] + whole[len(beginning)]).isalpha() and not _HAN.match(beginning[-1:])
    return headline.endswith(_CUT_OFF) or inside_word or len(beginning.encode()) >= _SHORTENED


def _comparable(headline: str) -> str:
    """A headline of the same length in the letters that all places print alike."""
    return headline.translate(_ALIKE)


def _titles(sources: Sources) -> Iterator[Sourced[str]]:
    document = sources.document
    yield element_text.decoded(sources.json_ld.get("headline") or sources.json_ld.get("name")), JSONLD
    yield element_text.decoded(document.meta("og:title")), META
    yield element_text.decoded(document.meta("twitter:title")), META
    yield _heading(sources), MARKUP
    yield element_text.decoded(sources.entry.title), FEED
    yield _document_title(document), META
    yield _slug_words(sources.page.url), URL


def _heading(sources: Sources) -> str:
    """The first h1 of a whole page: the article's before others, there one of the class of titles; empty if none."""
    document, article = sources.document, sources.layout.article
    if document.fragment:
        return ""
    of_article = list(article.iterdescendants("h1")) if article is not None else []
    for headings in (of_article, document.all("h1")):
        shown = list(filter(layout.is_shown, headings))
        for heading in chain(element_text.classed(shown, selectors.TITLE_CLASSES), shown):
            return element_text.decoded(element_text.of(heading))
    return ""


def _document_title(document: Document) -> str:
    """The title of a page, not of a picture on it; empty if there is none."""
    titles = (title for title in document.all("title") if next(title.iterancestors("svg"), None) is None)
    return element_text.decoded(next((title.text for title in titles), None))


def without_site(printed: str) -> str:
    """A title without the names of the site that follow it after a dash; a title that is nothing else stays.

    >>> without_site("The boat - RFI"), without_site("RFI")
    ('The boat', 'RFI')
    """
    return _SUFFIX.sub("", printed) or printed


def _slug_words(url: str) -> str:
    """The words of the last part of a path, without its date."""
    slug = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    return element_text.decoded(_DATE_OF_SLUG.sub("", slug).replace("-", " "))


def authors(sources: Sources) -> tuple[list[str] | None, str]:
    """Names of people and desks."""
    return first(
        (
            (_names(sources.json_ld.get("author")), JSONLD),
            (_unique(map(element_text.of, sources.marked(selectors.AUTHOR_CLASSES))), MARKUP),
            (_split(sources.document.meta("author")), META),
            (_unique(sources.entry.authors), FEED),
        )
    )


def tags(sources: Sources) -> tuple[list[str] | None, str]:
    """Keywords."""
    listed = [link for block in sources.marked(selectors.TAGS_CLASSES) for link in block.iterdescendants("a")]
    return first(
        (
            (_names(sources.json_ld.get("keywords")), JSONLD),
            (_unique(sources.document.metas.get("article:tag", ())), META),
            (_unique(map(element_text.of, listed)), MARKUP),
            (_split(sources.document.meta("keywords")), META),
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
        names = [each.get("name") if isinstance(each, dict) else each for each in value[:_MAX_NAMES]]
        return _unique(name for name in names if isinstance(name, str))
    return []


def _split(printed: str) -> list[str]:
    return _unique(_LISTED.split(element_text.decoded(printed)))


def _unique(printed: Iterable[str]) -> list[str]:
    names = (element_text.decoded(name) for name in printed)
    usable = (name for name in names if 0 < len(name) <= _MAX_NAME)
    return list(dict.fromkeys(usable))[:_MAX_NAMES]


# ---- lead ------------------------------------------------------------------------------------------------


def lead(sources: Sources, blocks: list[Block]) -> tuple[str | None, str]:
    """What stands between title and body.

    A description is the lead only on a page whose markup was not recognised: elsewhere the page would have shown
    it, and a description that is not shown is the beginning of the text.
    """
    element = sources.layout.lead
    if element is not None:
        return first([(element_text.of(element), MARKUP)])
    if sources.document.fragment or sources.layout.article is not None:
        return None, ""
    beginning = "".join(block.line for block in blocks[:3])
    descriptions = [
        (element_text.decoded(sources.json_ld.get("description")), JSONLD),
        (element_text.decoded(sources.document.meta("og:description")), META),
    ]
    return first((text, source) for text, source in descriptions if not beginning.startswith(text.rstrip("….")))


# ---- times -----------------------------------------------------------------------------------------------


def published_at(sources: Sources) -> tuple[datetime | None, str]:
    """When the article came out, UTC."""
    return _believable(sources, _published(sources))


def modified_at(sources: Sources) -> tuple[datetime | None, str]:
    """When it was last changed, UTC."""
    return _believable(sources, _modified(sources))


def _believable(sources: Sources, candidates: Iterator[Sourced[datetime | None]]) -> tuple[datetime | None, str]:
    fetched = sources.page.fetched_at
    return first((moment, source) for moment, source in candidates if dates.believable(moment, fetched))


def _published(sources: Sources) -> Iterator[Sourced[datetime | None]]:
    yield dates.moment(sources.json_ld.get("datePublished")), JSONLD
    yield dates.moment(sources.document.meta("article:published_time")), META
    yield dates.moment(sources.document.meta("datePublished")), META
    yield from ((moment, MARKUP) for moment in _displayed(sources)[:1])
    yield sources.entry.published_at, FEED
    yield dates.midnight(urls.slug_date(sources.page.url)), URL


def _modified(sources: Sources) -> Iterator[Sourced[datetime | None]]:
    yield dates.moment(sources.json_ld.get("dateModified")), JSONLD
    yield dates.moment(sources.document.meta("article:modified_time")), META
    yield dates.moment(sources.document.meta("og:updated_time")), META
    displayed = _displayed(sources)
    yield from ((moment, MARKUP) for moment in displayed[1:2])
    yield None if sources.entry.modified_day_alone else sources.entry.modified_at, FEED
    if not sources.document.fragment:  # a page without a second time was not changed; an entry has no room for one
        yield from ((moment, MARKUP) for moment in displayed[:1])


def _displayed(sources: Sources) -> list[datetime]:
    """The times that the article displays: when it came out, then when it was changed."""
    if sources.layout.time is not None:
        return dates.displayed(sources.layout.time.text or "")
    for block in sources.marked(selectors.DATES_CLASSES):
        moments = [dates.moment(element.get("datetime")) for element in block.iter("time")]
        exact = [moment for moment in moments if moment]
        if displayed := exact or dates.displayed(element_text.of(block)):
            return displayed
    return []


# ---- media -----------------------------------------------------------------------------------------------


def images(sources: Sources) -> tuple[list[Image] | None, str]:
    """The main picture first, then those of the body in order, each at the largest size that is offered."""
    base, article = sources.document.base_url, sources.layout.article
    json_ld = media.addresses_of(sources.json_ld.get("image"), base)
    meta = media.addresses_of(sources.document.metas.get("og:image", []), base)
    if article is not None and (pictures := media.pictures(article, base)):
        return media.merged(pictures, [*json_ld, *meta]), MARKUP
    feed = [sources.entry.image] if sources.entry.image else []
    candidates = [(json_ld, JSONLD), (meta, META), (feed, FEED)]
    addresses, source = first((media.without_placeholders(urls), source) for urls, source in candidates)
    return ([Image(url=url) for url in _largest_each(addresses)], source) if addresses else (None, "")


def _largest_each(addresses: list[str]) -> list[str]:
    """One address for each picture: the largest of its sizes."""
    sizes: dict[str, list[str]] = {}
    for url in addresses:
        sizes.setdefault(media.identity(url), []).append(url)
    return [media.largest(urls_of_one) or "" for urls_of_one in sizes.values()]


def audio(sources: Sources) -> tuple[list[Audio] | None, str]:
    """The recording of the whole article first, then those of its players."""
    base, article = sources.document.base_url, sources.layout.article
    json_ld = media.recordings_of(sources.json_ld.get("audio") or sources.json_ld.get("associatedMedia"), base)
    markup = media.players(article, base) if article is not None else []
    feed = [sources.entry.audio] if sources.entry.audio else []
    _, source = first([(json_ld, JSONLD), (markup, MARKUP), (feed, FEED)])
    return media.without_doubles([*json_ld, *markup, *feed]) or None, source


# ---- short link ------------------------------------------------------------------------------------------


def short_code(sources: Sources) -> tuple[str | None, str]:
    """The code of the short link that the page offers for sharing."""
    body = sources.document.body
    begin = find(body, _SHARE_BEGINS)
    link = _SHARED.match(body, begin) if begin >= 0 else None
    if link is None and (begin := find(body, _SHORT_BEGINS)) >= 0:
        link = _PRINTED.search(body, max(begin - _BEFORE_SHORT, 0))
    return (link[1].decode("ascii"), MARKUP) if link else (None, "")

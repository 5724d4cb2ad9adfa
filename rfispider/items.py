"""The records that pass between the parts of rfispider.

`Page` is what was fetched, `Article` what is stored, `Link` where to go next, `Entry` what a source said
about a URL before it was fetched. All times are aware UTC datetimes; all URLs are canonical unless said.
"""

from asyncio import Future
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

SCHEMA = 3
"""The shape of the stored documents; a migration runs once for each step."""


class Kind(StrEnum):
    """What a URL leads to, judged by its form alone."""

    FRONT = "front"
    ARTICLE = "article"
    WIRE = "wire"
    EPISODE = "episode"
    VIDEO = "video"
    PROGRAMME = "programme"
    SECTION = "section"
    TAG = "tag"
    AUTHOR = "author"
    LIVE_FEED = "ticker"
    """List of the newest items of all sections."""
    ARCHIVE_YEAR = "archive-year"
    ARCHIVE_DAY = "archive-day"
    FEED = "feed"
    SITEMAP = "sitemap"
    LIVE = "live"
    """Page of a running broadcast or event."""
    UTILITY = "utility"
    FOREIGN = "foreign"


ARTICLE_KINDS = frozenset({Kind.ARTICLE, Kind.WIRE, Kind.EPISODE, Kind.VIDEO})
"""What is stored."""
TOPIC_KINDS = frozenset({Kind.TAG, Kind.AUTHOR})
"""Lists of one subject or one person: there are thousands."""
ARCHIVE_KINDS = frozenset({Kind.ARCHIVE_YEAR, Kind.ARCHIVE_DAY})
"""Lists of the past: read once."""
PAGED_KINDS = TOPIC_KINDS | {Kind.FRONT, Kind.SECTION, Kind.LIVE_FEED, Kind.PROGRAMME, Kind.ARCHIVE_YEAR}
"""Pages that list articles and may have further pages."""
LIST_KINDS = PAGED_KINDS | ARCHIVE_KINDS
"""Pages whose items are read."""
FEED_KINDS = frozenset({Kind.FEED, Kind.SITEMAP})
"""Documents for machines that list articles."""
SOURCE_KINDS = LIST_KINDS | FEED_KINDS
"""Whatever leads to articles without being one."""
POLLED_KINDS = SOURCE_KINDS - ARCHIVE_KINDS
"""Sources that are read again and again."""
PAGE_KINDS = frozenset(Kind) - FEED_KINDS
"""Pages for people: what a site may refuse a crawler while it goes on serving its feeds."""
FETCHABLE_KINDS = frozenset(Kind) - {Kind.UTILITY, Kind.FOREIGN}
"""What a crawl may ask for."""


class Origin(StrEnum):
    """How the content of a `Page` reached us."""

    PAGE = "page"
    FEED = "feed"
    ARCHIVE = "archive"
    RENDERED = "rendered"


class Status(StrEnum):
    """How much of an article is stored."""

    FULL = "full"
    SHORT = "short"
    """Complete, but with next to no text: a radio bulletin, a video item, a one-line closing."""
    STUB = "stub"
    """Only what a source said: title, summary, time; the page itself was not to be had."""
    GONE = "gone"


class Outcome(StrEnum):
    """What came of a page: every page ends in exactly one of these, and each is counted."""

    NEW = "article/new"
    CHANGED = "article/changed"
    SAME = "article/same"
    DUPLICATE = "article/duplicate"
    STUB = "article/stub"
    NOT_ARTICLE = "page/not-article"
    EMPTY = "page/empty"
    BLOCKED = "page/blocked"
    GONE = "page/gone"
    FAILED = "page/failed"
    UNCHANGED = "page/unchanged"
    CLAIMED = "page/claimed"
    """An answer that would bind or lose something, and has to be confirmed by a second one."""


@dataclass(slots=True, kw_only=True)
class Image:
    """A picture of an article."""

    url: str
    """Address of the file at the largest size the page offers."""
    caption: str | None = None
    credit: str | None = None


@dataclass(slots=True, kw_only=True)
class Audio:
    """A recording that belongs to an article."""

    url: str
    duration_s: int | None = None
    """Length in seconds."""


@dataclass(slots=True, kw_only=True)
class Related:
    """One entry of the related-articles block of a page."""

    key: str
    """`urls.key` of the linked article."""
    url: str
    title: str
    label: str | None = None
    """The topic shown above the title, as printed."""
    position: int
    """Place in the block, from 0."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """What a source (feed, sitemap, list page, archived entry) says about one URL."""

    url: str
    """As printed by the source, made absolute; not yet canonical."""
    title: str | None = None
    summary: str | None = None
    """Plain text."""
    content: str | None = None
    """HTML of the whole article, when the source carries it."""
    published_at: datetime | None = None
    modified_at: datetime | None = None
    published_day_alone: bool = False
    """Whether the source prints a day without a time: `published_at` is then the beginning of that day, UTC."""
    modified_day_alone: bool = False
    """The same of `modified_at`."""
    image: str | None = None
    audio: Audio | None = None
    keywords: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    label: str | None = None
    """The topic shown beside the title in a list, as printed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an answer said that would bind or lose something; it holds when a later answer says the same."""

    evidence: str
    """What it said, such as not-article, or alias and a content hash: two answers agree when it is equal."""
    at: datetime
    """When it was first said, by the database's clock."""
    changes: int = 0
    """How often in a row the answer before had said something else that would bind or lose something."""


@dataclass(slots=True, kw_only=True, eq=False)
class VisitResult:
    """What is known so far of one visit to a URL, while its request and what came of it are under way."""

    asked_at: datetime | None = None
    """When the request was sent, by the database's clock; None before that."""
    outcome: Outcome | None = None
    status: int | None = None
    """HTTP status."""
    error: str | None = None
    """Why it failed, in one line."""
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    published_at: datetime | None = None
    listed: list[str] = field(default_factory=list)
    """Keys that a source listed, in its order."""
    times: list[datetime] = field(default_factory=list)
    """Publication times of what a source lists, as it states them."""
    claim_evidence: str | None = None
    """What has to be confirmed by another visit; with the outcome CLAIMED."""
    held_off_s: float | None = None
    """It was not asked for, and must not be for so many seconds; None if it was."""
    is_lost: bool = False

    def complete(self, outcome: Outcome, error: str | None = None) -> None:
        """Take note of how the visit ended, unless something of it was lost."""
        if not self.is_lost:
            self.outcome, self.error = outcome, error

    def fail(self, reason: str) -> None:
        """Take note that something that came of the visit was lost: it has failed, whatever else is said of it."""
        self.outcome, self.error, self.is_lost = Outcome.FAILED, reason, True


@dataclass(slots=True, kw_only=True)
class Page:
    """One document as it was fetched or handed over by a source, before extraction."""

    url: str
    """Canonical URL of the article."""
    body: bytes = field(repr=False)
    """The raw document: a whole HTML page, or the HTML fragment that a feed or archive carries."""
    origin: Origin
    fetched_at: datetime
    status: int = 200
    """HTTP status; 0 when no answer came."""
    error: str | None = None
    """Why there is no body, in one line, when the fetch failed."""
    encoding: str | None = None
    """Character set that the HTTP header names, if any."""
    headers: list[tuple[str, str]] = field(default_factory=list, repr=False)
    """Name and value of each header of the HTTP answer, in its order; empty when there was none."""
    aliases: list[str] = field(default_factory=list)
    """Other canonical URLs that led here (redirects)."""
    entry: Entry | None = None
    """What the source that led here said of it."""
    source: str | None = None
    """Where the URL was found: a URL, or the name of an archive file."""
    depth: int = 0
    """Related-link hops from the source."""
    mirror: str = ""
    """Where the site was fetched from, when that is a mirror whose own address may stand in links."""
    claim: Claim | None = field(default=None, repr=False, compare=False)
    """What the answer before this one said and this one may confirm."""
    visit: VisitResult | None = field(default=None, repr=False, compare=False)
    """The visit whose outcome this page decides; None for what a source carried beside its links."""
    parsed: Any = field(default=None, repr=False, compare=False)
    """The parse tree, kept by `extract` so that a page is parsed once; never stored."""
    parse: "Future[Any] | None" = field(default=None, repr=False, compare=False)
    """The parse of it, begun by whoever asked first (`crawl.parse_pool.ParserPool.article`); never stored."""


@dataclass(slots=True, kw_only=True)
class Link:
    """A URL worth fetching, and what is known of it."""

    url: str
    kind: Kind
    edition: str | None
    depth: int = 0
    """Related-link hops from the source."""
    found_on: str | None = None
    """Canonical URL of the page that held the link."""
    entry: Entry | None = None
    continues: bool = False
    """The next page of the list it was found on: read only if that page brought news."""
    backfill: bool = False
    """Of an archive of the past: waits behind the news, and its lists are read once."""


@dataclass(slots=True, kw_only=True)
class Rejection:
    """Why a page gave no article."""

    outcome: Outcome
    reason: str
    """One line for a person."""
    subject: str = ""
    """What was rejected: a URL, or the name of an archive document."""


class _BesideFields:
    """What an article carries that is none of its fields: no document, exporter or comparison sees it."""

    __slots__ = ("page",)
    page: Page
    """The page that it was read from, while it is on its way to the archive."""

    def read_from(self, page: Page) -> Self:
        """Take the page along; returns the article."""
        self.page = page
        return self


@dataclass(slots=True, kw_only=True)
class Article(_BesideFields):
    """What extraction makes of one page: the stored document without what only the archive knows."""

    key: str
    """`urls.key(url)`: 32 hex digits; the `_id` of the stored document."""
    url: str
    """Canonical, percent-encoded."""
    aliases: list[str] = field(default_factory=list)
    """Every other canonical URL seen for it."""
    edition: str
    """First part of the path: cn, fr, ..."""
    language: str
    """BCP 47, of the text."""
    kind: Kind
    section: str | None = None
    """Decoded path part of the section, such as 中国 or afrique."""
    programme: str | None = None
    """Decoded path part of the programme, for an episode."""
    title: str
    lead: str | None = None
    text: str = ""
    """Body paragraphs joined by a blank line; the lead is not repeated."""
    authors: list[str] = field(default_factory=list)
    agency: str | None = None
    """The copyright line without sign and year, such as AFP."""
    credits: str | None = None
    """Translator and copy editor as printed at the end of the text, without brackets."""
    tags: list[str] = field(default_factory=list)
    published_at: datetime | None = None
    modified_at: datetime | None = None
    images: list[Image] = field(default_factory=list)
    audio: list[Audio] = field(default_factory=list)
    related: list[Related] = field(default_factory=list)
    short_code: str | None = None
    """Code of the short link rfi.my/<code>."""
    status: Status = Status.FULL
    origin: Origin = Origin.PAGE
    provenance: dict[str, str] = field(default_factory=dict)
    """Field name -> jsonld, meta, markup, feed, url or trafilatura."""
    extractor: dict[str, str] = field(default_factory=dict)
    """Versions of what extracted it: rfispider, trafilatura."""
    content_hash: str = ""
    """`text.content_hash` of lead and text."""
    fetched_at: datetime
    sources: list[str] = field(default_factory=list)
    """Where the article was found: feed and page URLs, archive names."""
    gone_at: datetime | None = None
    """When the site was found to have removed it; only with status GONE."""
    canonical: str | None = None
    """The URL that the page names as its own by `rel=canonical`, where that is another one of `aliases`."""
    confirmed: bool = False
    """A second answer, fetched anew and later, said the same."""


NOT_STORED: Final = frozenset({"canonical", "confirmed"})
"""Fields of an article that say how it was seen, and are no part of what is stored."""

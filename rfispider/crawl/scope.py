"""Which URLs a crawl fetches: where it begins, what it follows, and where it stops. Pure."""

from dataclasses import dataclass, field
from datetime import date

from rfispider.crawl.arguments import Arguments
from rfispider.items import LIST_KINDS, TOPIC_KINDS, Entry, Kind, Link
from rfispider.site import archives, urls
from rfispider.site.editions import EDITIONS


@dataclass(slots=True, kw_only=True)
class Scope:
    """The reach of one crawl."""

    arguments: Arguments
    today: date
    """The last day of a backfill without `until` (UTC)."""
    base: str = ""
    """Where the site is fetched from, when that is a mirror."""
    follow_topics: bool = False
    list_pages: int = 0
    """Pages read of one list; 0 is no limit."""
    followed: frozenset[Kind] = field(init=False)
    """Lists that are read when an article or another list leads to them."""

    def __post_init__(self) -> None:
        topics = TOPIC_KINDS if self.follow_topics else frozenset()
        days = {Kind.ARCHIVE_DAY} if self.arguments.since else frozenset()
        self.followed = frozenset({Kind.PROGRAMME, Kind.SITEMAP}) | topics | days

    def canonical(self, url: str, page: str | None = None) -> str:
        """The canonical URL of a link found on `page`, wherever the site is fetched from."""
        return urls.from_mirror(url, self.base, page)

    def sources(self) -> list[Link]:
        """Where the crawl begins: the sources given, or the built-in ones and the archives of a backfill."""
        if self.arguments.sources:
            return [source(self.canonical(url)) for url in self.arguments.sources]
        codes = self.arguments.editions
        news = [source(urls.canonical(built_in.url)) for code in codes for built_in in EDITIONS[code].sources]
        backfill = [source(url, backfill=True) for code in codes for url in self.archives(code)]
        return news + backfill

    def archives(self, code: str) -> list[str]:
        """The archive pages and monthly sitemaps of an edition between `since` and `until`."""
        if not self.arguments.since:
            return []
        days = (code, self.arguments.since, self.arguments.until or self.today)
        return (archives.days(*days) or archives.years(*days)) + archives.month_sitemaps(*days)

    def link(self, url: str, *, depth: int, found_on: str, entry: Entry | None = None) -> Link | None:
        """The link to a URL, if it is an article or a followed list of this crawl's editions and near enough."""
        kind, edition = urls.kind(url), urls.edition(url)
        is_followed = (urls.is_article(kind) or kind in self.followed) and not urls.is_endless(url)
        if not is_followed or edition not in self.arguments.editions or not self.arguments.reaches(depth):
            return None
        return Link(url=url, kind=kind, edition=edition, depth=depth, found_on=found_on, entry=entry)

    def listed(self, entry: Entry, source: Link) -> Link | None:
        """The link to an entry of a source; None if it is not of this crawl or, in a backfill, not of its days."""
        url = self.canonical(entry.url, source.url)
        link = self.link(url, depth=source.depth, found_on=source.url, entry=entry)
        if link is None or (source.backfill and not self.is_in_period(link)):
            return None
        link.backfill = source.backfill
        return link

    def child_sitemap(self, entry: Entry, index: Link) -> Link | None:
        """The link to what a sitemap index lists, which is a sitemap whatever its address looks like.

        None if it is of an edition that is not crawled, or not on the site.
        """
        url = self.canonical(entry.url, index.url)
        edition = urls.edition(url)
        if urls.kind(url) is Kind.FOREIGN or urls.is_endless(url) or edition not in {None, *self.arguments.editions}:
            return None
        return Link(
            url=url,
            kind=Kind.SITEMAP,
            edition=edition,
            depth=index.depth,
            found_on=index.url,
            entry=entry,
            backfill=index.backfill,
        )

    def is_in_period(self, link: Link) -> bool:
        """Whether a link is of the days of the backfill; one of unknown day may be."""
        published = link.entry.published_at.date() if link.entry and link.entry.published_at else None
        day = archives.day(link.url) or published or urls.slug_date(link.url)
        since, until = self.arguments.since, self.arguments.until
        return day is None or ((not since or day >= since) and (not until or day <= until))

    def next_page(self, url: str, source: Link) -> Link | None:
        """The link to the next page of a list; None when as many pages as are to be read were read."""
        if self.list_pages and urls.list_page(url) > self.list_pages:
            return None
        return Link(
            url=url,
            kind=source.kind,
            edition=source.edition,
            depth=source.depth,
            found_on=source.url,
            continues=True,
            backfill=True,
        )


def source(url: str, *, backfill: bool = False) -> Link:
    """The link to a source: a list page or sitemap by its URL, anything else is read as a feed."""
    kind = urls.kind(url)
    kind = kind if kind in LIST_KINDS or kind is Kind.SITEMAP else Kind.FEED
    return Link(url=url, kind=kind, edition=urls.edition(url), backfill=backfill)

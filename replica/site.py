"""The site as a whole: from a seed to every page it answers with, and what is done to it while it runs."""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from urllib.parse import unquote, urlsplit

from replica import feeds, lists, markup, metadata, scripted
from replica.articles import CHROMES, PARIS, Newsroom, twins
from replica.chrome import furniture
from replica.document import Document, Segment
from replica.editions import EDITIONS, Edition
from replica.language import LANGUAGES, Writer
from replica.links import Listing, listings, measure, programme_path, relate, tag_path
from replica.story import Block, Story, canonical

NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
"""The default present of the site, so that two runs make the same pages."""
HTML = "text/html; charset=utf-8"
XML = "application/xml; charset=utf-8"
RSS = "application/rss+xml; charset=utf-8"
NEWS_DAYS = 2
"""How far back the news sitemap reaches."""
TWIN_SHARE = 0.3
"""Share of the traditional-script edition that are twins of the simplified one."""


@dataclass(frozen=True)
class Redirect:
    """A path that stands elsewhere."""

    path: str
    """Decoded."""


@dataclass
class Desk:
    """One edition of the site."""

    edition: Edition
    newsroom: Newsroom
    stories: list[Story]
    lists: dict[str, Listing] = field(default_factory=dict)
    chromes: list[tuple[Segment, Segment, Segment]] = field(default_factory=list)

    @property
    def topics(self) -> list[str]:
        """The tags that have a list."""
        return self.newsroom.topics

    def listed(self) -> list[Story]:
        """What the mirror, the news sitemap and the front page choose from, the newest first."""
        return sorted((s for s in self.stories if s.reached_by == "feed"), key=lambda s: s.published_at, reverse=True)


class Site:
    """A generated RFI. `answer` gives the document or redirect of a path; the rest changes the site."""

    def __init__(
        self,
        seed: int = 1,
        editions: Sequence[str] = ("cn", "fr", "en"),
        articles_per_edition: int = 60,
        clock: Callable[[], datetime] = lambda: NOON,
        crawl_delay: float | None = None,
    ) -> None:
        """`clock` gives the present (aware); it is asked when the site is built and when something is published.

        Raises KeyError for an unknown edition.
        """
        self.seed, self.clock, self.crawl_delay = seed, clock, crawl_delay
        self.built_at = self.modified_at = clock().astimezone(UTC).replace(second=0, microsecond=0)
        self.desks: dict[str, Desk] = {}
        for code in dict.fromkeys(editions):
            self.desks[code] = self._desk(code, articles_per_edition)
        self._pair_up(articles_per_edition)
        self.by_path: dict[str, Story] = {}
        self.edits: dict[str, markup.Edits] = defaultdict(markup.Edits)
        self._before: dict[str, list[Block]] = {}
        self._touched: dict[str, int] = defaultdict(int)
        self._cache: dict[str, Document | Redirect] = {}
        for desk in self.desks.values():
            self._open(desk)

    # ---- Building ------------------------------------------------------------------------------------------

    def _desk(self, code: str, count: int) -> Desk:
        newsroom = Newsroom(self.seed, code, self.built_at)
        return Desk(EDITIONS[code], newsroom, newsroom.fill(count))

    def _pair_up(self, count: int) -> None:
        """When both Chinese editions are there, some stories of the one stand in the other too."""
        if not {"cn", "tw"} <= self.desks.keys():
            return
        simplified, other = self.desks["cn"], self.desks["tw"]
        pairs = twins(simplified.stories, round(count * TWIN_SHARE))
        taken = {story.path for story in pairs}
        own = [
            s
            for s in other.stories
            if s.path not in taken and not (s.duplicate_of or s.near_duplicate_of or s.same_title_as)
        ]
        referred = {s.duplicate_of or s.near_duplicate_of or s.same_title_as for s in other.stories}
        resembling = [s for s in other.stories if s not in own or s.url in referred]
        spare = [s for s in own if s.url not in referred]
        other.stories = (resembling + spare)[: count - len(pairs)] + pairs
        by_url = {story.url: story for story in simplified.stories}
        for story in pairs:
            by_url[story.twin_of or ""].twin_of = story.url

    def _open(self, desk: Desk) -> None:
        """Link the stories of an edition and hang up its furniture."""
        random = Random(f"links/{self.seed}/{desk.edition.code}")
        relate(desk.edition, desk.stories, random)
        for story in desk.stories:
            listed = story.reached_by in ("feed", "list")
            story.in_archive = listed or (story.reached_by == "related" and random.random() < 0.5)  # noqa: PLR2004 - half of them
        self._index(desk)
        aside = lists.recommended(desk.listed(), desk.edition)
        hot = [(tag_path(desk.edition, topic), topic) for topic in desk.topics[:2]]
        for variant in range(CHROMES):
            around = furniture(desk.edition, variant, hot, self._casts(desk), aside)
            start, middle, end = (Segment(part.encode()) for part in (around.start, around.middle, around.end))
            desk.chromes.append((start, middle, end))

    def _index(self, desk: Desk) -> None:
        desk.lists = listings(desk.edition, desk.stories, desk.topics)
        self.by_path.update((story.path, story) for story in desk.stories)

    def _casts(self, desk: Desk) -> list[tuple[str, str]]:
        names = dict.fromkeys(
            story.programme for story in desk.stories if story.programme and story.reached_by != "none"
        )
        return [(programme_path(desk.edition, name), name.replace("-", " ")) for name in sorted(names)]

    # ---- Truth and changes ---------------------------------------------------------------------------------

    @property
    def stories(self) -> list[Story]:
        """Every article, edition by edition."""
        return [story for desk in self.desks.values() for story in desk.stories]

    def find(self, url: str) -> Story:
        """The story of a URL or path, however encoded. Raises KeyError."""
        return self.by_path[decoded(url)]

    def edit(self, url: str, how: str) -> None:
        """Change a page: its text, its whitespace only, its ticker only, leave its body to a script, or revert all.

        `update` changes the text and says so by the time of modification, which stands in sitemaps too; `text` does it
        in silence. Raises KeyError for an unknown article, ValueError for another `how` or an article without text.
        """
        story = self.find(url)
        edits = self.edits[story.identity]
        self._touched[story.identity] += 1
        if how == "text":
            self._change_text(story)
        elif how == "update":
            self._change_text(story)
            story.modified_at = max(self.clock().astimezone(UTC).replace(second=0, microsecond=0), story.modified_at)
        elif how == "whitespace":
            edits.whitespace += 1
        elif how == "ticker":
            edits.ticker += 1
        elif how == "script":
            edits.script = True
        elif how == "revert":
            story.blocks = self._before.pop(story.identity, story.blocks)
            self.edits[story.identity] = markup.Edits()
        else:
            raise ValueError(f"no such edit: {how}")
        self._cache.clear()

    def _change_text(self, story: Story) -> None:
        paragraphs = [n for n, block in enumerate(story.blocks) if block.kind == "p"]
        if not paragraphs:
            raise ValueError(f"no text to change: {story.url}")
        self._before.setdefault(story.identity, copy.deepcopy(story.blocks))
        random = Random(f"edit/{self.seed}/{story.identity}/{self._touched[story.identity]}")
        fresh = Writer(LANGUAGES[story.edition], random).paragraph()
        story.blocks[paragraphs[len(paragraphs) // 2]] = Block(kind="p", rows=[[fresh]])

    def publish(self, count: int, edition: str | None = None) -> list[Story]:
        """New articles in the feeds of one edition, the first by default; the newest first in every list."""
        desk = self.desks[edition or next(iter(self.desks))]
        latest = max((story.published_at for story in desk.stories), default=self.built_at)
        at = max(self.clock().astimezone(UTC).replace(second=0, microsecond=0), latest + timedelta(minutes=1))
        fresh = desk.newsroom.publish(count, at)
        for story in fresh:
            story.in_archive = True
        desk.stories += fresh
        measure(desk.stories)
        self._index(desk)
        self.modified_at += timedelta(minutes=1)
        self._cache.clear()
        return fresh

    # ---- Answering -----------------------------------------------------------------------------------------

    def answer(self, path: str) -> Document | Redirect | None:
        """What stands at a decoded path: a document, a redirect, or None for nothing."""
        found = self._cache.get(path)
        if found is None:
            found = self._find(path)
            if found is not None:
                self._cache[path] = found
        return found

    def _find(self, path: str) -> Document | Redirect | None:
        found = self._page(path)
        if found is not None:
            return found
        if "//" in path:
            single = "/" + "/".join(part for part in path.split("/") if part) + ("/" if path.endswith("/") else "")
            return Redirect(single) if self._page(single) else None
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        return Redirect(other) if self._page(other) else None

    def _page(self, path: str) -> Document | None:
        story = self.by_path.get(path)
        if story:
            return self._article(story)
        if (of_article := scripted.article_of(path)) is not None:
            return self._body(of_article)
        parts = [part for part in path.split("/") if part] or [""]
        desk = self.desks.get(parts[0])
        return self._of_edition(desk, path, parts) if desk else self._of_host(path, parts)

    def _of_host(self, path: str, parts: Sequence[str]) -> Document | None:
        """What belongs to no edition, and the feeds of the French site from before there were editions."""
        desk = next(iter(self.desks.values()))
        robots = feeds.robots((desk.edition for desk in self.desks.values()), self.crawl_delay)
        makers: dict[str, Callable[[], Document | None]] = {
            "": lambda: self._text("list", HTML, f"<html><body><a href='{desk.edition.root}'>RFI</a></body></html>"),
            "robots.txt": lambda: self._text("text", "text/plain; charset=utf-8", robots),
            "boutique": lambda: self._plain_page(desk, path, "boutique", lists.utility),
            "sitemaps": lambda: self._sitemap(parts[1], parts[-1]) if len(parts) > 1 else None,
            "mirror": lambda: self._mirror(parts[-1].removesuffix(".xml")),
        }
        if parts[0] in makers:
            return makers[parts[0]]()
        french = self.desks.get("fr")
        feed = french.lists.get(f"/fr{path}") if french else None
        return self._feed(french, feed) if french and feed and feed.is_feed else None

    def _of_edition(self, desk: Desk, path: str, parts: Sequence[str]) -> Document | None:
        listing, number = _listing(desk, path, parts)
        if listing:
            return self._feed(desk, listing) if listing.is_feed else self._list(desk, listing, number)
        if len(parts) > 2 and parts[1] == desk.edition.archive:  # noqa: PLR2004 - root and year at least
            return self._archive(desk, path, parts)
        pages = (*desk.edition.utilities, desk.edition.live)
        if len(parts) == 2 and parts[1] in pages and not path.endswith("/"):  # noqa: PLR2004 - edition and name
            return self._plain_page(desk, path, parts[1], lists.utility)
        return None

    def _article(self, story: Story) -> Document:
        desk = self.desks[story.edition]
        start, middle, end = desk.chromes[story.look.chrome]
        own = Segment(metadata.head(story, desk.edition).encode())
        content = Segment(markup.article(story, desk.edition, self.edits[story.identity]).encode())
        modified = story.modified_at + timedelta(minutes=self._touched[story.identity])
        return Document(
            kind="article", content_type=HTML, segments=(start, own, middle, content, end), modified=modified
        )

    def _body(self, path: str) -> Document | None:
        """What the script of an article gets, if it has one."""
        story = self.by_path.get(path)
        edits = self.edits[story.identity] if story else None
        if story is None or edits is None or not edits.script:
            return None
        return self._text("body", HTML, markup.content(story, EDITIONS[story.edition], edits))

    def _list(self, desk: Desk, listing: Listing, number: int) -> Document:
        as_ticker = listing.path == f"{desk.edition.root}{desk.edition.ticker}/"
        inside = lists.listing(listing, number, as_ticker=as_ticker)
        if listing.path in (desk.edition.root, f"{desk.edition.root}{desk.edition.programmes}/"):
            inside += lists.programmes(self._casts(desk))
        return self._dressed(desk, "list", listing.path_of(number), listing.title, inside)

    def _plain_page(self, desk: Desk, path: str, name: str, make: Callable[[Edition, str], str]) -> Document:
        return self._dressed(desk, "utility", path, name, make(desk.edition, name))

    def _dressed(self, desk: Desk, kind: str, path: str, title: str, inside: str) -> Document:
        start, middle, end = desk.chromes[len(path) % CHROMES]
        head, content = lists.head(title, path, desk.edition).encode(), inside.encode()
        segments = (start, Segment(head), middle, Segment(content), end)
        return Document(kind=kind, content_type=HTML, segments=segments, modified=self.modified_at)

    def _text(self, kind: str, content_type: str, text: str) -> Document:
        return Document(
            kind=kind, content_type=content_type, segments=(Segment(text.encode()),), modified=self.modified_at
        )

    def _feed(self, desk: Desk, listing: Listing) -> Document:
        return self._text("feed", RSS, feeds.rss(listing, desk.edition))

    def _mirror(self, code: str) -> Document | None:
        desk = self.desks.get(code)
        return self._text("feed", XML, feeds.mirror(desk.listed(), desk.edition)) if desk else None

    def _sitemap(self, code: str, name: str) -> Document | None:
        desk = self.desks.get(code)
        text = self._sitemap_text(desk, name) if desk else None
        return self._text("sitemap", XML, text) if text is not None else None

    def _sitemap_text(self, desk: Desk, name: str) -> str | None:
        months = _by(desk.stories, lambda story: f"{story.published_at:%Y%m}")
        if name == "index.xml":
            return feeds.sitemap_index(desk.edition, sorted(months))
        if name == "news.xml":
            since = self.built_at - timedelta(days=NEWS_DAYS)
            return feeds.news_sitemap((s for s in desk.listed() if s.published_at >= since), desk.edition)
        if name == "tags.xml":
            return feeds.tag_sitemap(canonical(tag_path(desk.edition, topic)) for topic in desk.topics)
        month = name.removeprefix("contents_").removesuffix(".xml")
        return feeds.content_sitemap(months[month]) if month in months else None

    def _archive(self, desk: Desk, path: str, parts: Sequence[str]) -> Document | None:
        days = _by(desk.stories, lambda story: story.published_at.astimezone(PARIS).date().isoformat())
        dates = {date.fromisoformat(day): stories for day, stories in days.items()}
        of_year = sorted(day for day in dates if str(day.year) == parts[2])
        if len(parts) == 3 and path.endswith("/") and of_year:  # noqa: PLR2004 - edition, root, year
            inside = lists.archive_year(desk.edition, of_year[0].year, of_year)
            return self._dressed(desk, "list", path, parts[2], inside)
        for day in of_year:
            if lists.day_path(desk.edition, day) == path:
                return self._dressed(desk, "list", path, day.isoformat(), lists.archive_day(day, dates[day]))
        return None


def _listing(desk: Desk, path: str, parts: Sequence[str]) -> tuple[Listing | None, int]:
    """The list or feed at a path, and which of its pages."""
    if path in desk.lists:
        return desk.lists[path], 1
    if parts[-1].isdecimal() and path.endswith("/"):
        listing = desk.lists.get("/" + "/".join(parts[:-1]) + "/")
        if listing and 1 < int(parts[-1]) <= listing.pages():
            return listing, int(parts[-1])
    return None, 0


def _by(stories: Iterable[Story], name: Callable[[Story], str]) -> dict[str, list[Story]]:
    """The stories that the archive shows, grouped by name."""
    groups: dict[str, list[Story]] = defaultdict(list)
    for story in stories:
        if story.in_archive:
            groups[name(story)].append(story)
    return groups


def decoded(url: str) -> str:
    """The decoded path of a URL or path, with one slash at its front and none at its end."""
    return "/" + unquote(urlsplit(url).path).strip("/")

"""What a page costs, counted and not timed: a change that makes the crawl dearer is seen on any machine."""

import asyncio
import gc
import logging
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from scrapy import Request
from scrapy.http import HtmlResponse, Response
from scrapy.statscollectors import MemoryStatsCollector
from scrapy.utils.test import get_crawler

from rfispider.crawl import parse_pool
from rfispider.crawl.archive_writer import ArchiveWriter
from rfispider.crawl.link_buffer import LinkBuffer
from rfispider.crawl.parse_pool import ParserPool
from rfispider.crawl.pipelines import Check, Extract, Save
from rfispider.crawl.scope import Scope
from rfispider.crawl.spiders.rfi import RfiSpider
from rfispider.frontier import Completion, Frontier
from rfispider.items import Article, Kind, Link, Origin, Outcome, Page, VisitResult
from rfispider.mongo.connection import PATIENCE_S, Connection
from rfispider.site import urls
from rfispider.storage import Store
from tests.support.extract_pages import FETCHED, PARAGRAPHS, article_html

FURNITURE = "".join(
    f'<li class="m-menu__item"><a href="/en/tag/{n}/" data-item="{n}"><span>Entry {n} of the menu</span></a></li>'
    for n in range(2500)
)
"""A menu of some 280 KB: most of a page of the site is not the article."""
RELATED = "".join(
    f'<div data-article-list><a data-article-item-link href="/cn/africa/20240304-goat-{n}"><h2>Goat {n}</h2></a></div>'
    for n in range(3)
)


def address(number: int) -> str:
    return f"https://www.rfi.fr/cn/africa/20240305-the-tin-boat-{number}"


def body(number: int) -> bytes:
    """A page as heavy as those of the site."""
    aside = f'<aside class="o-aside-content" data-org-type="aside-content--related">{RELATED}</aside>'
    # Only numbers differ, so that no two are versions of one text by chance; each has its own.
    text = "".join(f"<p>{number * 1000 + n} {line}</p>" for n, line in enumerate(PARAGRAPHS))
    html = article_html(inside=text, after=aside, title=f"Tin boat {number}")
    return html.replace("</nav>", f"<ul>{FURNITURE}</ul></nav>").encode()


def fetched(number: int) -> Page:
    return Page(url=address(number), body=body(number), origin=Origin.PAGE, fetched_at=FETCHED, encoding="utf-8")


# ---- parsing ---------------------------------------------------------------------------------------------


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the documents that any library has lxml parse, as they come."""
    sizes: list[int] = []
    for name in ("fromstring", "HTML", "XML", "parse"):
        parse = getattr(etree, name)

        def counted(text: Any, *options: Any, parse: Callable[..., Any] = parse, **named: Any) -> Any:
            sizes.append(len(text) if isinstance(text, str | bytes) else 0)
            return parse(text, *options, **named)

        monkeypatch.setattr(etree, name, counted)
    return sizes


def spider() -> RfiSpider:
    made = RfiSpider(editions="cn")
    made.crawler = SimpleNamespace(stats=MemoryStatsCollector(get_crawler()), spider=made)  # type: ignore[assignment]
    made.scope = Scope(arguments=made.arguments, today=date(2024, 3, 6))
    return made


async def read(made: RfiSpider, response: Response) -> tuple[Article, list[Link]]:
    """What comes of an answer on its way to the store."""
    link = Link(url=response.url, kind=urls.kind(response.url), edition="cn")
    things = [thing async for thing in made.parse_article(response, link)]
    (page,) = [thing for thing in things if isinstance(thing, Page)]
    archive, stats = writer(), made.crawler.stats
    item = await Extract(made.parser_pool, archive, stats, lambda: FETCHED).process_item(page)
    article = await Check(archive, stats).process_item(item)
    assert isinstance(article, Article)
    return article, [thing for thing in things if isinstance(thing, Link)]


async def test_a_page_is_parsed_once_for_its_article_and_its_links_and_only_where_the_article_is(
    parses: list[int],
) -> None:
    parse_pool.article(fetched(2), topics=False)  # the menu that all pages share is looked through once
    parses.clear()
    request = Request(address(1), meta={"visit": VisitResult()})
    article, links = await read(spider(), HtmlResponse(address(1), body=body(1), request=request))
    assert article.title == "Tin boat 1"
    assert len(links) == 3
    assert len(parses) == 1
    assert parses[0] < len(body(1)) / 20


async def test_a_list_page_is_parsed_once(parses: list[int]) -> None:
    listing = parse_pool.listing(replace(fetched(1), url="https://www.rfi.fr/cn/africa/"))
    assert listing.entries
    assert len(parses) == 1


# ---- memory ----------------------------------------------------------------------------------------------

PEAK_KIB = 100
"""Python's memory at its most while a page is read, beside the page itself: some 65, and a copy of it would add 280."""
LEFT_KIB = 4
"""Of the page that left least: what a page leaves in a cache now and then is no leak, which every page would add to."""


@pytest.mark.slow
def test_reading_a_page_makes_no_copy_of_it_and_leaves_nothing_behind() -> None:
    pages = [fetched(number) for number in range(8)]
    for page in pages[:4]:
        parse_pool.article(page, topics=False)  # what is made once and kept
    peaks, left = [], []
    tracemalloc.start()
    try:
        for page in pages[4:]:
            gc.collect()
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            parse_pool.article(page, topics=False)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
            page.parsed = None
            gc.collect()
            left.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    assert max(peaks) < PEAK_KIB * 1024
    assert min(left) < LEFT_KIB * 1024


# ---- round trips -----------------------------------------------------------------------------------------


class Counter(CommandListener):
    """Counts the commands of a client."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@dataclass
class World:
    """A frontier, an archive, and what their server was asked."""

    frontier: Frontier
    store: Store
    counter: Counter

    async def asked(self, work: Callable[[], Awaitable[Any]]) -> int:
        """Commands that some work takes."""
        self.counter.names.clear()
        await work()
        return len(self.counter.names)


@pytest.fixture
async def world(mongo_uri: str, database: str) -> AsyncIterator[World]:
    async with await Store.open(mongo_uri, database):
        counter = Counter()  # what is asked once, to prepare the database, is not counted
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, event_listeners=[counter]) as client:
        connection = Connection(mongo_uri, client, PATIENCE_S)
        frontier = Frontier(connection, database, worker="counting")
        await frontier.prepare()
        yield World(frontier, Store(connection, database), counter)


async def ended() -> None:
    """The crawl is told to end."""


def writer() -> ArchiveWriter:
    """The way into the archive as a crawl makes it."""
    return ArchiveWriter(size=1000, seconds=0.01, keep_pages=True, on_commit=lambda _: None, on_failure=ended)


def save(store: Store) -> Save:
    """The pipeline as a crawl opens it."""
    archive = writer()
    archive.store = store
    return Save(ParserPool(0, 0.0), archive, MemoryStatsCollector(get_crawler()))


def extracted(numbers: Sequence[int]) -> list[Article]:
    articles = []
    for number in numbers:
        page = fetched(number)
        result = parse_pool.article(page, topics=False).result
        assert isinstance(result, Article)
        result.published_at = FETCHED - timedelta(days=300 * number)
        articles.append(result.read_from(page))
    return articles


async def cost(world: World, numbers: Sequence[int]) -> dict[str, int]:
    """Commands for all steps of some pages on their way from a link to a stored article."""
    found = [Link(url=address(number), kind=Kind.ARTICLE, edition="cn") for number in numbers]
    links = LinkBuffer(world.frontier, 2, on_written=lambda: None)
    told = {"links": await world.asked(lambda: asyncio.gather(*(links.add([link]) for link in found)))}
    told["the same links"] = await world.asked(lambda: asyncio.gather(*(links.add([link]) for link in found)))
    told["claim"] = await world.asked(lambda: world.frontier.claim(len(found), ["cn"]))
    pipeline, items = save(world.store), extracted(numbers)
    told["save"] = await world.asked(lambda: asyncio.gather(*map(pipeline.process_item, items)))
    done = [Completion(lease=lease, outcome=Outcome.NEW, status=200) for lease in world.frontier.leases]
    assert len(done) == len(found)
    told["acknowledge"] = await world.asked(lambda: world.frontier.acknowledge(done))
    return told


MOST = {"links": 2, "the same links": 0, "claim": 2, "save": 11, "acknowledge": 1}
"""Commands for a batch, whatever its size."""


async def test_a_batch_takes_so_many_round_trips_whatever_its_size(world: World) -> None:
    few, many = await cost(world, range(1, 4)), await cost(world, range(10, 70))
    assert {step: count for step, count in many.items() if count > MOST[step]} == {}
    assert {step: count for step, count in many.items() if count > few[step] + 1} == {}


# ---- the log ---------------------------------------------------------------------------------------------


async def test_an_article_that_is_stored_makes_no_line_in_a_log_at_info(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline, items = save(world.store), extracted(range(100, 110))
    caplog.set_level(logging.INFO)
    caplog.clear()
    await asyncio.gather(*map(pipeline.process_item, items))
    assert caplog.records == []

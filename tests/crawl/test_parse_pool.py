"""Pages are read in processes of their own, and one that hangs costs nothing but itself."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient

from rfispider import feeds
from rfispider.concurrency.process_pool import CallKilled
from rfispider.concurrency.shared_memory import BUFFER_BYTES, SharedBuffers, _opened
from rfispider.crawl import parse_pool
from rfispider.crawl.parse_pool import ParserPool
from rfispider.items import Article, Origin, Outcome, Page, Rejection, VisitResult
from tests.support.crawling import ROOT, crawl, serving, surroundings, wait_until
from tests.support.extract_pages import FETCHED, article_html, page

pytestmark = pytest.mark.integration

RELATED = (
    '<aside class="o-aside-content" data-org-type="aside-content--related"><div data-article-list>'
    '<a data-article-item-link href="/en/africa/20240304-the-goats"><h2>The goats</h2></a></div></aside>'
)
LIST = (
    '<html><body><div class="m-item-list-article" data-article-list><a data-article-item-link '
    'href="/en/africa/20240304-the-goats"><p class="article__title">The goats</p></a></div></body></html>'
)
LIST_URL = "https://www.rfi.fr/en/africa/"


def hang(_: Page) -> None:
    """As a parser does that never finds an end."""
    while True:
        pass


def tell_and_hang(told: Page) -> None:
    """Hang, once the file that is named in place of a URL says that it has begun."""
    Path(told.url).touch()
    hang(told)


def die(_: Page) -> None:
    """As a parser does that overruns its memory."""
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parser_pool() -> AsyncIterator[ParserPool]:
    made = ParserPool(1, 0.5, topics=True)
    made.open()
    yield made
    await made.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_another_process_reads_what_this_one_does(parser_pool: ParserPool) -> None:
    given = page(article_html(after=RELATED))
    given.visit = VisitResult()
    alone = parse_pool.article(replace(given), topics=True)
    assert isinstance(alone.result, Article)
    assert alone.related == ["https://www.rfi.fr/en/africa/20240304-the-goats"]
    assert await parser_pool.article(given) == alone
    listing = await parser_pool.listing(page(LIST, LIST_URL))
    assert [entry.title for entry in listing.entries] == ["The goats"]
    with pytest.raises(feeds.FeedError, match="an HTML page"):
        await parser_pool.feed(page(LIST, LIST_URL))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_that_hangs_is_killed_and_the_next_one_is_read(
    parser_pool: ParserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser_pool, "_article", hang)
    reading = await parser_pool.article(page(article_html()))
    monkeypatch.undo()
    assert reading.result == Rejection(outcome=Outcome.FAILED, reason="reading it took more than 0.5 s")
    assert isinstance((await parser_pool.article(page(article_html()))).result, Article)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_that_kills_its_reader_has_failed_and_the_next_one_is_read(parser_pool: ParserPool) -> None:
    with pytest.raises(CallKilled, match="the process that read it died"):
        await parser_pool._run(die, page(article_html()))
    assert (await parser_pool.listing(page(LIST, LIST_URL))).problem is None


@pytest.mark.asyncio(loop_scope="module")
async def test_the_crawl_goes_on_while_a_page_is_read(parser_pool: ParserPool) -> None:
    hanging = asyncio.ensure_future(parser_pool._run(hang, page(article_html())))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not hanging.done()
    with pytest.raises(CallKilled):
        await hanging


def named(told: Page) -> str:
    """What a page is called; two of them make trouble."""
    if "hangs" in told.url:
        hang(told)
    if "dies" in told.url:
        die(told)
    if "raises" in told.url:
        raise ValueError(told.url)
    return told.url


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("trouble", "error", "told"),
    [("hangs", CallKilled, "more than 0.5 s"), ("dies", CallKilled, "died"), ("raises", ValueError, "raises")],
)
async def test_pages_do_not_share_the_fate_of_one_that_they_share_a_message_with(
    parser_pool: ParserPool, trouble: str, error: type[Exception], told: str
) -> None:
    urls = [*(str(number) for number in range(20)), trouble, *(str(number) for number in range(20, 30))]
    pages = [page("x", url) for url in urls]
    read = await asyncio.gather(*(parser_pool._run(named, each) for each in pages), return_exceptions=True)
    failed = read.pop(urls.index(trouble))
    assert isinstance(failed, error)
    assert told in str(failed)
    assert read == [url for url in urls if url != trouble]


def length(told: Page) -> int:
    return len(told.body)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_comes_whole_whether_it_fits_a_place_or_not(parser_pool: ParserPool) -> None:
    sizes = [1, BUFFER_BYTES, BUFFER_BYTES + 1, 3 * BUFFER_BYTES]
    assert [await parser_pool._run(length, page(b"x" * size)) for size in sizes] == sizes


async def test_where_bodies_are_out_of_reach_they_are_sent_along(monkeypatch: pytest.MonkeyPatch) -> None:
    parser_pool = ParserPool(1, 5.0)
    assert parser_pool._pool
    monkeypatch.setattr(parser_pool._pool._buffers, "_path", "/nowhere")
    assert await asyncio.gather(*(parser_pool._run(length, page(b"x" * size)) for size in (3, 4))) == [3, 4]
    with parser_pool._pool._buffers.holding(b"x") as place:
        assert place is None
    await parser_pool.close()


async def test_pages_under_way_are_let_go_of_when_the_processes_are_ended() -> None:
    parser_pool = ParserPool(1, 60.0)
    reading = [asyncio.ensure_future(parser_pool._run(hang, page("x"))) for _ in range(20)]
    await asyncio.sleep(0)
    await parser_pool.close()
    done, left = await asyncio.wait(reading, timeout=20)
    assert (len(done), left) == (20, set())


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_a_place_holds_its_body_while_others_are_handed_over(bodies: list[bytes]) -> None:
    tray = SharedBuffers(3)
    with ExitStack() as held:
        places = [held.enter_context(tray.holding(body)) for body in bodies]
        assert [place.body() for place in places if place] == bodies[:3]
    with tray.holding(b"again") as place:
        assert place
        assert place.body() == b"again"
    _opened.cache_clear()
    tray.close()


async def test_without_processes_pages_are_read_here() -> None:
    parser_pool = ParserPool(0, 0.5)
    parser_pool.open()
    assert isinstance((await parser_pool.article(page(article_html()))).result, Article)
    refused = Page(url=LIST_URL, body=b"", origin=Origin.PAGE, fetched_at=FETCHED, status=404)
    assert (await parser_pool.article(refused)).result.outcome is Outcome.GONE  # type: ignore[union-attr]
    await parser_pool.close()


ORPHANS = """
import asyncio, sys
from tests.crawl.test_parse_pool import tell_and_hang, page
from rfispider.crawl.parse_pool import ParserPool

async def main():
    parser_pool = ParserPool(1, 1.0)
    reading = asyncio.ensure_future(parser_pool._run(tell_and_hang, page("x", sys.argv[1])))
    while not (pids := parser_pool._pool.pids):
        await asyncio.sleep(0.01)
    print(*pids, flush=True)
    await reading

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_the_reader_of_a_hanging_page_does_not_outlive_a_crawl_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "crawl.py"
    script.write_text(ORPHANS)
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = tmp_path / "begun"
    with subprocess.Popen(
        [sys.executable, script, begun], cwd=ROOT, env=surroundings, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        reader = int(parent.stdout.readline())
        wait_until(begun.exists, "it hangs")
        parent.kill()
    wait_until(lambda: not Path(f"/proc/{reader}/exe").exists(), "it is gone")


# ---- a whole crawl ---------------------------------------------------------------------------------------

HANGING_PARSER = """
import os
from lxml import etree

parse = etree.fromstring

def fromstring(body, *args, **options):
    marker = os.environ["HANGS_ON"]
    while (marker.encode() if isinstance(body, bytes) else marker) in body:
        pass
    return parse(body, *args, **options)

etree.fromstring = fromstring
"""


SLOW_PARSER = """
import time
from lxml import etree

parse = etree.fromstring

def fromstring(*args, **options):
    time.sleep(0.3)
    return parse(*args, **options)

etree.fromstring = fromstring
"""


def test_a_crawl_stores_all_but_the_page_that_hangs_and_keeps_that_as_failed(
    mongo_uri: str, database: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HANGING_PARSER)
    with (
        serving(tmp_path, "--editions", "en", "--articles", "20") as site,
        MongoClient[dict[str, Any]](mongo_uri) as client,
    ):
        source = f"{site.base}/en/rss"
        with urllib.request.urlopen(source) as feed:
            listed = feed.read().decode()
        hanging = next(article for article in site.truth() if article["url"] in listed)
        told = {"RFI_BASE_URL": site.base, "RFI_EXTRACT_PROCESSES": "1", "RFI_EXTRACT_SECONDS": "2"}
        told |= {"HANGS_ON": f'rel="canonical" href="{hanging["url"]}"', "PYTHONPATH": str(tmp_path)}
        run = crawl(mongo_uri, database, "-a", "depth=0", "-a", f"sources={source}", **told)
        assert run.returncode == 0, run.stderr
        outcomes = client[database].runs.find_one()["outcomes"]  # type: ignore[index]
        assert outcomes["page/failed"] == 1
        kept = client[database].pages.find_one({"url": hanging["url"], "outcome": "page/failed"})
        assert kept
        assert kept["reason"] == "reading it took more than 2 s"
        assert client[database].articles.count_documents({}) == outcomes["article/new"] > 0


def test_a_crawl_whose_whole_group_gets_sigterm_loses_no_page(mongo_uri: str, database: str, tmp_path: Path) -> None:
    slow = {"RFI_EXTRACT_PROCESSES": "1", "RFI_RATE": "0", "PYTHONPATH": str(tmp_path)}
    (tmp_path / "sitecustomize.py").write_text(SLOW_PARSER)
    with (
        serving(tmp_path, "--editions", "en", "--articles", "60") as site,
        MongoClient[dict[str, Any]](mongo_uri) as client,
    ):
        told = surroundings(MONGO_URI=mongo_uri, MONGO_DATABASE=database, RFI_BASE_URL=site.base, **slow)
        command = [sys.executable, "-m", "scrapy", "crawl", "rfi", "-a", "editions=en"]
        with subprocess.Popen(command, cwd=ROOT, env=told, stderr=subprocess.PIPE, process_group=0) as crawl:
            wait_until(lambda: client[database].articles.count_documents({}) >= 3, "it stores")
            os.killpg(crawl.pid, signal.SIGTERM)
            _, log = crawl.communicate(timeout=40)
        (run,) = client[database].runs.find()
        assert run["reason"] == "shutdown"
        assert "page/failed" not in run["outcomes"], log.decode()
        assert b"Traceback" not in log

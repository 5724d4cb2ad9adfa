"""Links go to the frontier before their page is done with; refusals are left alone."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import Settings

from rfispider.crawl.middlewares import FollowLinks, Politeness, Redirects
from rfispider.items import Kind, Link

SITE = "https://www.rfi.fr/cn/"


class PageLinks:
    """The part of the scheduler that a page's links meet: remembers what it was given, each at a second of its own."""

    def __init__(self) -> None:
        self.added: list[str] = []
        self.found_at: dict[str, datetime] = {}
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    async def add(self, links: Iterable[Link], *, stale_s: float | None = None) -> None:
        for link in links:
            self.now += timedelta(seconds=1)
            self.added.append(link.url)
            self.found_at.setdefault(link.url, self.now)

    async def found_since(self, links: Iterable[Link], since: datetime) -> bool:
        return any(self.found_at[link.url] > since for link in links)


def article(name: str) -> Link:
    return Link(url=f"{SITE}a/20240101-{name}", kind=Kind.ARTICLE, edition="cn")


MORE = Link(url=f"{SITE}a/2/", kind=Kind.SECTION, edition="cn", continues=True)


def follow(found: PageLinks) -> FollowLinks:
    return FollowLinks(SimpleNamespace(links=found))  # type: ignore[arg-type]


async def passed(found: PageLinks, *things: Any, polled_at: datetime | None = None) -> list[Any]:
    async def output() -> AsyncIterator[Any]:
        for thing in things:
            yield thing

    return [thing async for thing in follow(found).follow(output(), polled_at=polled_at)]


async def test_links_are_in_the_frontier_when_the_page_is_done_with() -> None:
    found = PageLinks()
    assert await passed(found, article("x"), "an item", article("y")) == ["an item"]
    assert found.added == [article("x").url, article("y").url]


async def test_the_next_page_of_a_list_is_read_when_this_one_brought_news() -> None:
    found = PageLinks()
    await passed(found, article("x"))
    await passed(found, article("x"), article("y"), MORE, polled_at=found.now)
    assert found.added[-1] == MORE.url


async def test_a_page_of_a_list_that_brought_nothing_new_is_the_last() -> None:
    found = PageLinks()
    await passed(found, article("x"))
    await passed(found, article("x"), MORE, polled_at=found.now)
    assert MORE.url not in found.added


async def test_what_was_found_elsewhere_since_the_list_was_last_read_is_news_too() -> None:
    found = PageLinks()
    polled_at = found.now
    await passed(found, article("x"))
    await passed(found, article("x"), MORE, polled_at=polled_at)
    assert found.added[-1] == MORE.url


async def test_a_list_that_is_read_for_the_first_time_goes_on_though_others_found_all_that_it_lists() -> None:
    found = PageLinks()
    await passed(found, article("x"))
    await passed(found, article("x"), MORE)
    assert found.added[-1] == MORE.url


async def test_an_empty_page_ends_a_list() -> None:
    found = PageLinks()
    await passed(found, MORE)
    assert found.added == []


def test_a_page_is_not_asked_for_while_the_site_refuses_pages() -> None:
    politeness = Politeness(SimpleNamespace(), "rfispider")  # type: ignore[arg-type]
    with pytest.raises(IgnoreRequest, match="not asked for"):
        politeness.process_request(Request(SITE, meta={"held_off": True}))
    politeness.process_request(Request(SITE))


def redirects() -> Redirects:
    middleware = Redirects(Settings())
    middleware.crawler = SimpleNamespace(spider=None)  # type: ignore[assignment]
    return middleware


def test_a_redirect_is_followed_without_the_conditions_of_the_url_that_was_asked_for() -> None:
    headers = {"If-None-Match": '"1"', "If-Modified-Since": "Sun, 01 Mar 2026 08:00:00 GMT"}
    request = Request(f"{SITE}x", headers=headers, meta={"body_hash": "7", "kind": Kind.ARTICLE})
    moved = Response(request.url, status=301, headers={"Location": f"{SITE}y"})
    followed = redirects().process_response(request, moved)
    assert isinstance(followed, Request)
    assert followed.url == f"{SITE}y"
    assert not {"If-None-Match", "If-Modified-Since"} & set(followed.headers.to_unicode_dict())
    assert followed.meta["body_hash"] is None
    assert followed.meta["kind"] is Kind.ARTICLE


def test_an_answer_that_is_no_redirect_passes() -> None:
    request = Request(f"{SITE}x", headers={"If-None-Match": '"1"'})
    answer = Response(request.url, status=304)
    assert redirects().process_response(request, answer) is answer
    assert request.headers["If-None-Match"] == b'"1"'

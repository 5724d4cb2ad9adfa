"""Links go to the frontier before their page is done with; refusals are left alone."""

from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest

from rfispider import urls
from rfispider.items import Kind, Link
from rfispider.middlewares import FollowLinks, Politeness

SITE = "https://www.rfi.fr/cn/"


class Found:
    """The part of the scheduler that a page's links meet: remembers what it was given."""

    def __init__(self, *known: Link) -> None:
        self.known = {urls.key(link.url) for link in known}
        self.news: set[str] = set()
        self.added: list[str] = []

    async def add(self, links: Iterable[Link], *, stale_s: float | None = None) -> None:
        for link in links:
            self.added.append(link.url)
            self.news |= {urls.key(link.url)} - self.known


def article(name: str) -> Link:
    return Link(url=f"{SITE}a/20240101-{name}", kind=Kind.ARTICLE, edition="cn")


MORE = Link(url=f"{SITE}a/2/", kind=Kind.SECTION, edition="cn", continues=True)


def follow(found: Found) -> FollowLinks:
    return FollowLinks(SimpleNamespace(spider=SimpleNamespace(scheduler=found)))  # type: ignore[arg-type]


async def passed(found: Found, *things: Any) -> list[Any]:
    async def output() -> AsyncIterator[Any]:
        for thing in things:
            yield thing

    return [thing async for thing in follow(found).follow(output())]


async def test_links_are_in_the_frontier_when_the_page_is_done_with() -> None:
    found = Found()
    assert await passed(found, article("x"), "an item", article("y")) == ["an item"]
    assert found.added == [article("x").url, article("y").url]


async def test_the_next_page_of_a_list_is_read_when_this_one_brought_news() -> None:
    found = Found(article("x"))
    await passed(found, article("x"), article("y"), MORE)
    assert found.added[-1] == MORE.url


async def test_a_page_of_a_list_that_brought_nothing_new_is_the_last() -> None:
    found = Found(article("x"))
    await passed(found, article("x"), MORE)
    assert MORE.url not in found.added


async def test_what_this_run_found_elsewhere_is_news_too() -> None:
    found = Found()
    await passed(found, article("x"))
    await passed(found, article("x"), MORE)
    assert found.added[-1] == MORE.url


async def test_an_empty_page_ends_a_list() -> None:
    found = Found()
    await passed(found, MORE)
    assert found.added == []


def test_a_page_is_not_asked_for_while_the_site_refuses_pages() -> None:
    politeness = Politeness(SimpleNamespace(signals=SimpleNamespace(connect=lambda *_, **__: None)))  # type: ignore[arg-type]
    with pytest.raises(IgnoreRequest, match="not asked for"):
        politeness.process_request(Request(SITE, meta={"refused": True}))
    politeness.process_request(Request(SITE))

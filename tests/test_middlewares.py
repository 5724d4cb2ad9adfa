"""Links become requests, each URL once a run."""

from collections.abc import AsyncIterator
from typing import Any

from scrapy import Request

from rfispider.items import Kind, Link
from rfispider.middlewares import FollowLinks

SITE = "https://www.rfi.fr/cn/"


def article(name: str, depth: int = 0) -> Link:
    return Link(url=f"{SITE}a/20240101-{name}", kind=Kind.ARTICLE, edition="cn", depth=depth)


def more(page: int) -> Link:
    return Link(url=f"{SITE}a/{page}/", kind=Kind.SECTION, edition="cn", list_page=page)


async def followed(middleware: FollowLinks, *things: Any) -> list[Any]:  # noqa: ANN401
    async def output() -> AsyncIterator[Any]:
        for thing in things:
            yield thing

    return [getattr(out, "url", out) async for out in middleware.follow(output())]


def middleware() -> FollowLinks:
    return FollowLinks(lambda link: Request(link.url))


async def test_a_link_is_asked_for_once() -> None:
    follow = middleware()
    assert await followed(follow, article("x"), article("x")) == [article("x").url]
    assert await followed(follow, article("x")) == []


async def test_a_link_is_asked_for_again_when_it_turns_out_to_be_nearer() -> None:
    follow = middleware()
    await followed(follow, article("x", depth=2))
    assert await followed(follow, article("x", depth=1)) == [article("x").url]
    assert await followed(follow, article("x", depth=2)) == []


async def test_the_next_page_of_a_list_is_read_while_the_list_shows_more() -> None:
    follow = middleware()
    assert await followed(follow, article("x"), more(2)) == [article("x").url, more(2).url]
    assert await followed(follow, article("x"), article("y"), more(3)) == [article("y").url, more(3).url]
    assert await followed(follow, article("x"), article("y"), more(4)) == []


async def test_what_another_list_has_shown_does_not_end_a_list() -> None:
    follow = middleware()
    await followed(follow, article("x"))
    assert await followed(follow, article("x"), more(2)) == [more(2).url]


async def test_an_empty_page_ends_a_list() -> None:
    assert await followed(middleware(), more(2)) == []


async def test_what_is_no_link_passes() -> None:
    assert await followed(middleware(), "an item") == ["an item"]

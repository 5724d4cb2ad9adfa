"""Raw pages take few bytes: compressed with another page of their kind, and none is ever kept without that one."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider import extract
from rfispider.items import Article, Outcome, Page
from rfispider.storage import FetchedPage, Raw, Store, decoded
from rfispider.storage.pages import compression
from rfispider.storage.pages.compression import LEAST, Compressor, PageTemplate, restored
from rfispider.storage.pages.documents import TemplateLost
from rfispider.storage.read.selection import Selection
from tests.support.extract_pages import accepted, article_html, page, paragraphs

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
CN = "https://www.rfi.fr/cn/%E4%B8%AD%E5%9B%BD/20260301-boat"


def furniture(seed: str = "a design", size: int = 2 * LEAST) -> str:
    """What is the same in all pages of a design, and hard to compress by itself."""
    return f"<aside data-x='{random.Random(seed).randbytes(size // 2).hex()}'></aside>"


def seen(number: int, url: str = "https://www.rfi.fr/en/africa/20260301-boat", **values: Any) -> Page:
    inside = paragraphs(f"<p>This is the boat of number {number}.</p>")
    html = article_html(inside=inside, title=f"Boat {number}", after=values.pop("after", furniture()))
    return page(html, f"{url}-{number}", fetched_at=T0 + timedelta(minutes=number), **values)


async def keep(store: Store, *pages: Page) -> None:
    """As the pipelines do."""
    articles = [accepted(each) for each in pages]
    outcomes = await store.save(articles)
    told = zip(pages, outcomes, articles, strict=True)
    await store.keep([FetchedPage(page=each, outcome=outcome, article=article) for each, outcome, article in told])


async def bases(kept: Any) -> list[str | None]:
    """Of each page, by the time when it was fetched, the base."""
    return [each.get("base") async for each in kept.find().sort("fetched_at", 1)]


async def ids(kept: Any) -> list[str]:
    return [each["_id"] async for each in kept.find().sort("fetched_at", 1)]


async def test_a_page_takes_few_bytes_once_another_of_its_kind_is_kept(store: Store, kept: Any) -> None:
    await keep(store, seen(1))
    await keep(store, seen(2), seen(3))
    first = (await ids(kept))[0]
    assert await bases(kept) == [None, first, first]
    sizes = [len(each["body"]) async for each in kept.find().sort("fetched_at", 1)]
    assert max(sizes[1:]) * 20 < sizes[0]


async def test_every_page_comes_back_as_it_was(store: Store, kept: Any) -> None:
    given_pages = [seen(1), seen(2), seen(3, after=furniture("another design"))]
    for each in given_pages:
        await keep(store, each)
    raw = await store.pages.raw(await ids(kept))
    assert [each for each in await bases(kept) if each]
    assert [decoded(raw[name]) for name in await ids(kept)] == given_pages
    assert [each async for batch in store.consumer.pages(Selection()) for each in batch] == given_pages


async def test_pages_of_one_batch_do_not_wait_for_each_other(store: Store, kept: Any) -> None:
    await keep(store, seen(1), seen(2))
    assert await bases(kept) == [None, None]


async def test_a_batch_may_hold_more_kinds_of_pages_than_are_remembered(
    store: Store, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rfispider.storage.pages.templates.REMEMBERED", 1)
    for number in (1, 3):
        await keep(store, seen(number), seen(number + 1, CN))
    first, second = (await ids(kept))[:2]
    assert set(await bases(kept)) <= {None, first, second}
    assert await kept.count_documents({}) == 4


async def test_another_worker_takes_up_the_base_of_the_archive(
    store: Store, kept: Any, mongo_uri: str, database: str
) -> None:
    await keep(store, seen(1))
    async with await Store.open(mongo_uri, database) as second:
        await keep(second, seen(2))
    async with await Store.open(mongo_uri, database) as third:
        await keep(third, seen(3))
    first = (await ids(kept))[0]
    assert await bases(kept) == [None, first, first]


async def test_a_page_of_a_new_design_is_the_next_base(store: Store, kept: Any) -> None:
    await keep(store, seen(1))
    await keep(store, seen(2, after=furniture("another design")))
    await keep(store, seen(3, after=furniture("another design")))
    assert await bases(kept) == [None, None, (await ids(kept))[1]]


@pytest.mark.parametrize(
    "other",
    [
        seen(2, CN),
        seen(2, "https://www.rfi.fr/en/podcasts/the-goat-hour/20260301-boat"),
        seen(2, after=""),
    ],
    ids=["another edition", "another kind", "short"],
)
async def test_a_page_with_less_in_common_is_compressed_alone(store: Store, kept: Any, other: Page) -> None:
    await keep(store, seen(1))
    await keep(store, other)
    assert await bases(kept) == [None, None]


@pytest.mark.parametrize(
    ("unfit", "article"),
    [
        (seen(1, after=""), True),
        (seen(1), False),
        (seen(1, after=furniture(size=2 * compression.MAX_TEMPLATE_BYTES)), True),
    ],
    ids=["short", "no article was read", "long"],
)
async def test_what_does_not_stay_or_has_no_measure_is_no_base(
    store: Store, kept: Any, unfit: Page, article: bool
) -> None:
    if article:
        await keep(store, unfit)
    else:
        await store.keep([FetchedPage(page=unfit, outcome=Outcome.FAILED, reason="no title")])
    await keep(store, seen(2))
    assert await bases(kept) == [None, None]


async def test_a_page_that_could_not_be_written_is_no_base(
    store: Store, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no write")

    with monkeypatch.context() as patched:
        patched.setattr(type(store.pages._pages), "bulk_write", broken)
        with pytest.raises(RuntimeError):
            await store.keep([FetchedPage(page=seen(1), outcome=Outcome.NEW, article=accepted(seen(1)))])
    await keep(store, seen(2))
    assert await bases(kept) == [None]


async def test_a_lost_base_is_told_by_its_name(store: Store, kept: Any) -> None:
    await keep(store, seen(1))
    await keep(store, seen(2))
    first, second = await ids(kept)
    await kept.delete_one({"_id": first})
    raw = await store.pages.raw([second])
    with pytest.raises(TemplateLost, match=first):
        decoded(raw[second])


async def test_a_page_of_an_earlier_release_is_read_as_ever(store: Store, kept: Any) -> None:
    await keep(store, seen(1))
    assert await bases(kept) == [None]
    (raw,) = (await store.pages.raw(await ids(kept))).values()
    assert raw == Raw(raw.document, None)
    assert isinstance(extract.article(decoded(raw)), Article)


bodies = st.binary(max_size=4 * LEAST)


@given(bodies, bodies)
def test_any_body_comes_back_whatever_its_base(base: bytes, body: bytes) -> None:
    press = Compressor()
    packed_base = press.compress(base)
    packed = press.compress(body, PageTemplate("id", base, len(packed_base)))
    assert restored(packed, len(body), packed_base) == body
    assert restored(press.compress(body), len(body), None) == body

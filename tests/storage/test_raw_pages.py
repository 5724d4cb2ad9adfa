"""Raw pages are kept for every revision and for what could not be read, and come back as they were."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rfispider import extract
from rfispider.items import Article, Audio, Entry, Origin, Outcome, Page
from rfispider.storage import FetchedPage, Store
from rfispider.storage.pages import documents, raw_pages
from rfispider.storage.pages.compression import Compressor
from tests.support.extract_pages import article_html, entry_page, page

T0 = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW, CHANGED, SAME, FAILED = Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.FAILED

PAGE = page(
    article_html(),
    fetched_at=T0,
    encoding="utf-8",
    headers=[("Content-Type", "text/html; charset=utf-8"), ("X-Odd", "a: b")],
    aliases=["https://www.rfi.fr/en/contenu/1"],
    source="https://www.rfi.fr/en/rss",
    depth=2,
    mirror="http://127.0.0.1:8099",
    entry=Entry(
        url="https://www.rfi.fr/en/x", title="The tin boat", keywords=["boats"], published_at=T0, content="<p>x</p>",
        audio=Audio(url="https://snd.example/1.mp3", duration_s=9),
    ),
)  # fmt: skip
STUB = page("", fetched_at=T0, status=403, error="HTTP 403", entry=Entry(url=PAGE.url, title="The tin boat"))


async def see(store: Store, seen: Page, *, keep: bool = True) -> Outcome:
    """As the pipelines do."""
    article = extract.article(seen)
    if isinstance(article, Article):
        (outcome,) = await store.save([article])
        fetched_page = FetchedPage(page=seen, outcome=outcome, article=article)
    else:
        fetched_page = FetchedPage(page=seen, outcome=article.outcome, reason=article.reason)
    if keep:
        await store.keep([fetched_page])
    return fetched_page.outcome


def later(seen: Page, hours: int, **values: Any) -> Page:
    return replace(seen, fetched_at=T0 + hours * HOUR, parsed=None, **values)


def other(title: str) -> bytes:
    return article_html(title=title).encode()


@pytest.mark.parametrize(
    "seen",
    [PAGE, entry_page("<p>锡船出海</p>", fetched_at=T0, source="a.md"), STUB, page(b"\xff")],
    ids=["page", "archived entry", "refused", "odd"],
)  # fmt: skip
def test_a_page_comes_back_as_it_was_but_for_what_its_source_carried_beside(seen: Page) -> None:
    document = raw_pages._packed(Compressor(), FetchedPage(page=seen, outcome=NEW, article=None), None)
    expected = replace(seen, entry=replace(seen.entry, content=None)) if seen.entry else seen
    assert documents.page(document) == expected


def test_headers_of_one_transfer_or_one_visitor_are_not_kept() -> None:
    seen = replace(PAGE, headers=[("Set-Cookie", "id=1"), ("Content-Encoding", "br"), ("ETag", '"a"')])
    document = documents.document(FetchedPage(page=seen, outcome=NEW))
    assert document["headers"] == ['ETag: "a"']


async def test_the_page_of_each_revision_is_kept_once(store: Store, kept: Any) -> None:
    assert await see(store, PAGE) is NEW
    assert await see(store, later(PAGE, 1)) is SAME
    assert await see(store, later(PAGE, 2, body=other("Another boat"))) is CHANGED
    assert await see(store, later(PAGE, 2, body=other("Another boat"))) is SAME
    times = [page["fetched_at"] async for page in kept.find().sort("_id", 1)]
    assert times == [T0, T0 + 2 * HOUR]
    assert {page["article"] async for page in kept.find()} == {accepted(PAGE).key}


async def test_a_page_that_a_crash_left_out_is_kept_when_it_comes_again(store: Store, kept: Any) -> None:
    await see(store, PAGE)
    await see(store, later(PAGE, 1, body=other("Another boat")), keep=False)
    assert await see(store, later(PAGE, 2, body=other("Another boat"))) is SAME
    assert [page["fetched_at"] async for page in kept.find().sort("_id", 1)] == [T0, T0 + 2 * HOUR]


async def test_what_a_feed_repeats_is_not_kept_beside_the_page(store: Store, kept: Any) -> None:
    await see(store, PAGE, keep=False)
    fed = replace(PAGE, body=b"<p>The tin boat left the harbour at dawn.</p>", origin=Origin.FEED, parsed=None)
    assert await see(store, fed) is SAME
    assert await kept.count_documents({}) == 0


async def test_a_stub_keeps_what_it_was_made_of(store: Store, kept: Any) -> None:
    await see(store, STUB)
    document = await kept.find_one()
    assert (document["size"], document["entry"]["title"]) == (0, "The tin boat")


async def test_the_last_page_without_an_article_is_kept_until_one_is_read(store: Store, kept: Any) -> None:
    unread = replace(PAGE, body=b"<html><body><p>moved</p></body></html>", entry=None)
    for hours in (0, 1):
        await see(store, later(unread, hours))
    (document,) = await kept.find().to_list()
    assert document["outcome"] == Outcome.NOT_ARTICLE
    assert document["fetched_at"] == T0 + HOUR
    assert document["reason"]
    await see(store, later(PAGE, 2))
    assert [page["fetched_at"] async for page in kept.find()] == [T0 + 2 * HOUR]


async def test_a_page_too_large_for_a_document_is_left_out_and_told(
    store: Store, kept: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(raw_pages, "MAX_KEPT_BYTES", 10)
    assert await see(store, PAGE) is NEW
    assert await kept.count_documents({}) == 0
    assert "not kept" in caplog.text


ARTICLE = {"origin": "page", "changed_at": T0}


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ([("a", "page", 0, None)], "a"),
        ([("a", "page", -1, None)], None),
        ([("a", "page", -1, 0)], "a"),
        ([("a", "page", -1, -1)], None),
        ([("a", "feed", 1, None)], None),
        ([("a", "page", 1, None), ("b", "page", 3, None), ("c", "page", 2, 9)], "b"),
        ([], None),
    ],
    ids=["made it", "older", "read again", "read again before", "of another origin", "the newest", "none"],
)
def test_an_article_was_read_from(marks: list[tuple[str, str, int, int | None]], found: str | None) -> None:
    kept = [
        {"_id": name, "origin": origin, "fetched_at": T0 + hours * HOUR, "outcome": None, "reread_at": again}
        | ({} if again is None else {"reread_at": T0 + again * HOUR})
        for name, origin, hours, again in marks
    ]
    assert raw_pages.source(ARTICLE, kept) == found


async def test_the_page_of_an_article_is_found_without_reading_bodies(store: Store, kept: Any) -> None:
    await see(store, PAGE)
    plan = await kept.find(
        {"article": {"$in": [accepted(PAGE).key]}}, dict.fromkeys(raw_pages.PAGE_MARKS, 1), hint=raw_pages.KEPT_INDEX
    ).explain()
    assert "FETCH" not in str(plan["queryPlanner"]["winningPlan"])


def accepted(seen: Page) -> Article:
    article = extract.article(replace(seen, parsed=None))
    assert isinstance(article, Article)
    return article

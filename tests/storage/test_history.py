"""The archive as it was at any time, and how a person reads what changed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from rfispider.items import Article
from rfispider.storage import Store
from rfispider.storage.read.history import states
from tests.support.articles import article_at
from tests.support.crawling import command

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUAY = "The quay was closed in the morning."


def article(hour: int, number: int = 1, **values: Any) -> Article:
    invented = {"title": "A harbour closes", "text": f"{QUAY}\n\nNobody was hurt.", "content_hash": "1:aa"}
    url = f"https://www.rfi.fr/fr/afrique/20260301-story-{number}"
    return article_at(url, **(invented | {"fetched_at": T0 + hour * HOUR} | values))


EDITS = [
    article(0),
    article(2, title="A harbour opens"),
    article(4),  # reverted: a revision of its own
    article(6, text=f"{QUAY}\n\nOne person was hurt.", content_hash="1:bb"),
]
KEY = EDITS[0].key
TITLES = [
    (-1, None),
    (0, "closes"),
    (1, "closes"),
    (2, "opens"),
    (3, "opens"),
    (4, "closes"),
    (7, "closes"),
    (99, "closes"),
]


async def fill(uri: str) -> None:
    async with await Store.open(uri, "test_history") as store:
        for edit in EDITS:
            await store.save([edit, article(7, 2)])
        await store.mark_gone([KEY], T0 + 8 * HOUR)


@pytest.fixture(scope="module")
def filled(mongo_uri: str) -> Iterator[str]:
    asyncio.run(fill(mongo_uri))
    yield "test_history"
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database("test_history")


@pytest.fixture
async def store(mongo_uri: str, filled: str) -> AsyncIterator[Store]:
    async with await Store.open(mongo_uri, filled) as opened:
        yield opened


@pytest.mark.parametrize(("hour", "word"), TITLES)
async def test_an_article_is_shown_as_it_was_at_a_time(store: Store, hour: int, word: str | None) -> None:
    found = await store.as_of(KEY, T0 + hour * HOUR)
    assert (found and found["title"]) == (word and f"A harbour {word}")


async def test_the_state_of_a_time_is_a_document_of_an_article(store: Store) -> None:
    present = await store.article(KEY)
    then = await store.as_of(KEY, T0 + HOUR)
    assert present
    assert then
    assert present.keys() - then.keys() == {"gone_at", "changed_at", "last_seen_at", "signature", "silent_edits"}
    assert then.keys() - present.keys() == {"valid_from", "valid_to"}
    assert (then["_id"], then["status"], then["revision"]) == (KEY, "full", 1)
    assert (await store.as_of(KEY, T0 + 9 * HOUR) or {})["gone_at"] == T0 + 8 * HOUR


async def test_the_whole_archive_as_of_a_time_is_one_aggregation(store: Store, mongo_uri: str, filled: str) -> None:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        found = list(client[filled].articles.aggregate(states(T0 + 3 * HOUR)))
    assert [(each["_id"], each["title"]) for each in found] == [(KEY, "A harbour opens")]


@pytest.fixture
def show(mongo_uri: str, filled: str) -> Iterator[Any]:
    def run(*options: str) -> Any:
        return command(mongo_uri, filled, "show", EDITS[0].url, *options)

    return run


def test_a_person_reads_what_each_revision_changed(show: Any) -> None:
    told = show("--history").stdout
    assert [line.split("revision ")[1] for line in told.splitlines() if "revision" in line] == [
        "1: full, from page", "2: title", "3: title", "4: text", "5: status",
    ]  # fmt: skip
    assert "- A harbour closes\n    + A harbour opens" in told
    assert "- Nobody was hurt.\n    + One person was hurt." in told
    assert QUAY not in told


def test_a_person_reads_an_article_as_it_was(show: Any) -> None:
    assert "A harbour opens" in show("--as-of", "2026-03-01T15:00").stdout
    assert "A harbour opens" in show("--as-of", "2026-03-01T17:00:00+02:00").stdout
    assert "A harbour closes" in show("--as-of", "2026-03-02").stdout
    before = show("--as-of", "2026-03-01")
    assert before.returncode == 1
    assert "no article" in before.stderr
    assert "as of 2026-03-01 00:00 UTC" in before.stderr


@pytest.mark.parametrize("options", [["--as-of", "yesterday"], ["--as-of", "2026-03-01", "--history"]])
def test_a_time_that_is_none_is_wrong_usage(show: Any, options: list[str]) -> None:
    assert show(*options).returncode == 2

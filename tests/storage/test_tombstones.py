"""Articles whose pages are gone stay, and come back with their pages."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from rfispider.items import Article, Outcome, Status
from rfispider.storage import Store
from tests.support.articles import article_at

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def article(number: int, hour: int = 0, title: str = "A title") -> Article:
    return article_at(
        f"https://site.example/fr/{number}",
        key=f"{number:032x}",
        edition="fr",
        title=title,
        text=f"The {number}th invented text. " * 20,
        content_hash=f"1:{number}",
        published_at=None,
        fetched_at=T0 + hour * HOUR,
    )


KEYS = [article(number).key for number in range(40)]


@pytest.fixture
async def store(mongo_uri: str, database: str) -> AsyncIterator[Store]:
    async with await Store.open(mongo_uri, database) as opened:
        await opened.save([article(number) for number in range(40)])
        yield opened


async def test_a_tombstone_keeps_its_text_and_the_state_before_it(store: Store) -> None:
    assert await store.mark_gone([KEYS[3], "f" * 32, KEYS[1], KEYS[3]], T0 + HOUR) == [KEYS[3], KEYS[1]]
    document = await store.article(KEYS[3])
    assert document
    assert (document["status"], document["gone_at"], document["revision"]) == ("gone", T0 + HOUR, 2)
    assert document["text"] == article(3).text
    (before,) = await store.history(KEYS[3])
    assert (before["status"], before["changed"]) == ("full", ["status"])
    assert (before["valid_from"], before["valid_to"]) == (T0, T0 + HOUR)


async def test_burying_again_changes_nothing(store: Store) -> None:
    assert await store.mark_gone(KEYS[:2], T0 + HOUR) == KEYS[:2]
    before = await store.article(KEYS[0])
    assert await store.mark_gone(KEYS[:3], T0 + 2 * HOUR) == [KEYS[2]]
    assert await store.article(KEYS[0]) == before
    assert await store.mark_gone([], T0) == []


async def test_a_page_that_comes_back_is_alive_again_and_its_absence_is_a_revision(store: Store) -> None:
    await store.mark_gone(KEYS[:1], T0 + HOUR)
    assert await store.save([replace(article(0, 2), status=Status.STUB, text="", content_hash="1:s")]) == [Outcome.SAME]
    assert await store.save([article(0, 3)]) == [Outcome.CHANGED]
    document = await store.article(KEYS[0])
    assert document
    assert (document["status"], document["revision"], "gone_at" in document) == ("full", 3, False)
    assert [state["status"] for state in await store.history(KEYS[0])] == ["full", "gone"]
    assert await store.mark_gone(KEYS[:1], T0 + 4 * HOUR) == KEYS[:1]


async def test_writers_and_grave_diggers_at_once_leave_unbroken_histories(
    store: Store, mongo_uri: str, database: str
) -> None:
    async with await Store.open(mongo_uri, database) as other:

        async def edit(turn: int) -> None:
            await other.save([article(number, turn, f"Title {turn}") for number in range(40)])

        rounds = [store.mark_gone(KEYS, T0 + turn * HOUR) for turn in range(1, 9)] + [
            other.mark_gone(KEYS, T0 + 4 * HOUR)
        ]
        marked_gone = await asyncio.gather(*rounds, *(edit(turn) for turn in range(1, 9)))
    graves = sum(len(keys) for keys in marked_gone if keys)
    seen = 0
    for key in KEYS:
        present = await store.article(key)
        assert present
        states = [*await store.history(key), {**present, "valid_from": present["changed_at"]}]
        assert [state["revision"] for state in states] == list(range(1, present["revision"] + 1))
        for old, new in pairwise(states):
            assert old["valid_to"] == new["valid_from"]
            assert old["changed"] == [name for name in ("status", "title") if old[name] != new[name]]
            seen += new["status"] == "gone" != old["status"]
    assert seen == graves

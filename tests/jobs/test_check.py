"""`rfispider check`: a whole archive is called whole, each flaw is found, and what can be mended is mended."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from rfispider import extract
from rfispider.frontier import Completion, Frontier
from rfispider.frontier.policy.revisit import State
from rfispider.items import Article, Kind, Link, Origin, Outcome, Page
from rfispider.jobs.check import CheckResult, check
from rfispider.site import urls
from rfispider.storage import FetchedPage, Store
from tests.support.crawling import command
from tests.support.extract_pages import article_html

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
URLS = [f"https://www.rfi.fr/en/africa/20260301-harbour-{number}" for number in range(4)]
KEYS = [urls.key(url) for url in URLS]


def fetched(number: int, edit: int = 0) -> tuple[Page, Article]:
    """A page of an article as it was after so many edits."""
    text = "".join(f"<p>Crew {number} counted boat {line} of edit {edit} before dawn.</p>" for line in range(30))
    body = article_html(inside=text, title=f"Harbour {number}, edit {edit}").encode()
    at = T0 + timedelta(hours=edit, minutes=number)
    page = Page(url=URLS[number], body=body, origin=Origin.PAGE, fetched_at=at, encoding="utf-8")
    article = extract.article(page)
    assert isinstance(article, Article)
    return page, article


@dataclass
class World:
    """An archive of four articles, one of them edited twice, and the frontier that they came from."""

    store: Store
    frontier: Frontier
    db: AsyncDatabase[dict[str, Any]]

    async def fill(self) -> None:
        await self.frontier.add([Link(url=url, kind=Kind.ARTICLE, edition="en") for url in URLS])
        leases = await self.frontier.claim(len(URLS), ["en"])
        for seen in ([fetched(number) for number in range(4)], [fetched(0, 1)], [fetched(0, 2)]):
            outcomes = await self.store.save([article for _, article in seen])
            await self.store.keep(
                [
                    FetchedPage(page=page, article=article, outcome=outcome)
                    for (page, article), outcome in zip(seen, outcomes, strict=True)
                ]
            )
        await self.frontier.acknowledge([Completion(lease=lease, outcome=Outcome.NEW, status=200) for lease in leases])

    async def check(self, *, repair: bool = False) -> CheckResult:
        return await check(self.store, self.frontier, repair=repair, note=lambda _: None)


@pytest.fixture
async def world(mongo_uri: str, database: str) -> AsyncIterator[World]:
    async with (
        await Store.open(mongo_uri, database) as store,
        await Frontier.open(mongo_uri, database) as frontier,
        AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client,
    ):
        filled = World(store, frontier, client[database])
        await filled.fill()
        yield filled


async def test_a_whole_archive_is_called_whole_and_every_document_was_looked_at(world: World) -> None:
    result = await world.check()
    assert (result.flaws, result.is_whole) == ([], True)
    counts = [await world.db[name].count_documents({}) for name in ("articles", "revisions", "pages", "frontier")]
    assert result.documents == sum(counts) >= 4 + 2 + 4 + 4


async def wrong_key(db: AsyncDatabase[Any]) -> None:
    article = await db.articles.find_one({"_id": KEYS[3]})
    await db.articles.delete_one({"_id": KEYS[3]})
    await db.articles.insert_one({**article, "_id": "0" * 32, "identity": "en:x"})


async def hole(db: AsyncDatabase[Any]) -> None:
    await db.revisions.delete_one({"_id": f"{KEYS[0]}:1"})


async def gap(db: AsyncDatabase[Any]) -> None:
    await db.revisions.update_one({"_id": f"{KEYS[0]}:1"}, {"$set": {"valid_to": T0 + timedelta(minutes=1)}})


async def orphan(db: AsyncDatabase[Any]) -> None:
    await db.articles.delete_one({"_id": KEYS[0]})


async def other_text(db: AsyncDatabase[Any]) -> None:
    await db.articles.update_one({"_id": KEYS[1]}, {"$set": {"text": "Somebody else's words."}})


async def damaged_page(db: AsyncDatabase[Any]) -> None:
    await db.pages.update_one({"article": KEYS[1]}, {"$set": {"body": b"no zstd"}})


async def unfindable(db: AsyncDatabase[Any]) -> None:
    await db.search.delete_many({})


async def alias_of_two(db: AsyncDatabase[Any]) -> None:
    await db.articles.update_many({"_id": {"$in": KEYS[1:3]}}, {"$set": {"aliases": [f"{URLS[1]}-copy"]}})


async def alias_that_is_an_article(db: AsyncDatabase[Any]) -> None:
    await db.articles.update_one({"_id": KEYS[1]}, {"$set": {"aliases": [URLS[2]]}})


async def alias_twice(db: AsyncDatabase[Any]) -> None:
    await db.articles.update_one({"_id": KEYS[1]}, {"$set": {"aliases": [f"{URLS[1]}-copy"] * 2}})


async def lost_article(db: AsyncDatabase[Any]) -> None:
    await db.articles.delete_one({"_id": KEYS[3]})


Plant = Callable[[AsyncDatabase[Any]], Awaitable[None]]
FLAWS: list[tuple[Plant, str, str]] = [
    (wrong_key, "keys", "its key is not that of its URL"),
    (hole, "revisions", "revision 1 is missing"),
    (gap, "revisions", "between revision 1 and the next is a hole"),
    (orphan, "revisions", "it has revisions and is no article"),
    (other_text, "identities", "its content hash is not that of its lead and text"),
    (damaged_page, "pages", "it cannot be read"),
    (unfindable, "search", "it is not found by its title"),
    (alias_of_two, "aliases", "is one of another, too"),
    (alias_that_is_an_article, "aliases", "is an article of its own"),
    (alias_twice, "aliases", "an alias stands twice in it"),
    (lost_article, "frontier", "it is done with, and not in the archive"),
]


@pytest.mark.parametrize(("plant", "name", "message"), FLAWS, ids=[plant.__name__ for plant, _, _ in FLAWS])
async def test_each_flaw_is_found(world: World, plant: Plant, name: str, message: str) -> None:
    await plant(world.db)
    result = await world.check()
    assert not result.is_whole
    assert [flaw for flaw in result.flaws if flaw.check == name and message in flaw.message]


@pytest.mark.parametrize("plant", [alias_that_is_an_article, alias_twice])
async def test_aliases_that_cannot_be_are_taken_out_and_nothing_else_is_touched(world: World, plant: Plant) -> None:
    before = await world.db.articles.find({}, {"aliases": 0}).to_list()
    await plant(world.db)
    assert (await world.check(repair=True)).is_whole
    assert (await world.check()).flaws == []
    assert await world.db.articles.find({}, {"aliases": 0}).to_list() == before


async def test_an_article_that_is_missing_is_fetched_again_as_if_for_the_first_time(world: World) -> None:
    await world.db.frontier.update_one({"_id": KEYS[3]}, {"$set": {"etag": '"x"', "body_hash": "0"}})
    await lost_article(world.db)
    assert (await world.check(repair=True)).is_whole
    (lease,) = await world.frontier.claim(9, ["en"])
    assert (lease.url, lease.validators.etag, lease.validators.body_hash) == (URLS[3], None, None)
    assert (await world.db.frontier.find_one({"_id": KEYS[1]}))["state"] == State.DONE


async def test_what_cannot_be_mended_is_left_as_it_is_and_still_told(world: World) -> None:
    await other_text(world.db)
    assert not (await world.check(repair=True)).is_whole
    assert (await world.db.articles.find_one({"_id": KEYS[1]}))["text"] == "Somebody else's words."


async def test_the_command_tells_programs_and_people_and_exits_by_what_it_found(
    world: World, mongo_uri: str, database: str
) -> None:
    whole = await asyncio.to_thread(command, mongo_uri, database, "check")
    assert (whole.returncode, whole.stdout.strip().endswith("documents: the archive is whole")) == (0, True)
    await lost_article(world.db)
    told = await asyncio.to_thread(command, mongo_uri, database, "check", "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["counts"] == {"frontier": 1}
    mended = await asyncio.to_thread(command, mongo_uri, database, "check", "--repair")
    assert (mended.returncode, "1 flaw, mended" in mended.stdout) == (0, True)

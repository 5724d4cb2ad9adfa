"""An archive of an earlier release becomes one of this release, and each release knows its own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.cli.migrate import OTHER_COLLECTIONS
from rfispider.frontier import Frontier
from rfispider.items import SCHEMA, Outcome
from rfispider.mongo import schema as installation
from rfispider.site import urls
from rfispider.storage import DatabaseError, Store, documents, schema
from rfispider.storage.admin import migrations
from tests.support.crawling import command, crawl

Document = dict[str, Any]

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
COUNT = 30


def first(number: int) -> Document:
    """An article as the first release stored it."""
    url = f"https://www.rfi.fr/fr/afrique/20260301-story-{number}"
    return {
        "_id": urls.key(url),
        "schema": 1,
        "url": url,
        "aliases": [],
        "edition": "fr",
        "language": "fr",
        "kind": "article",
        "section": "afrique",
        "title": f"The harbour, part {number}",
        "lead": f"What the {number}th day brought.",
        "text": f"On day {number} the quay was closed, and {number} ships waited outside. " * 6,
        "authors": ["A. Writer"],
        "tags": ["harbour"],
        "published_at": T0 + number * HOUR,
        "images": [{"url": "https://img.example/1.jpg"}],
        "audio": [],
        "related": [{"key": "cd" * 16, "url": "https://www.rfi.fr/fr/x", "title": "Another", "position": 0}],
        "status": "full",
        "origin": "page",
        "provenance": {"title": "jsonld"},
        "extractor": {"rfispider": "1"},
        "content_hash": f"1:{number}",
        "fetched_at": T0 + 2 * HOUR,
        "sources": ["https://www.rfi.fr/fr/rss"],
        "revision": 2,
        "first_seen_at": T0,
        "last_seen_at": T0 + 2 * HOUR,
        "changed_at": T0 + 2 * HOUR,
    }


def superseded(number: int) -> Document:
    """The state before it, as the first release stored it."""
    article = first(number)
    kept = article.keys() - {"aliases", "sources", "related", "first_seen_at", "last_seen_at", "changed_at"}
    return {
        **{name: article[name] for name in kept},
        "_id": f"{article['_id']}:1",
        "article": article["_id"],
        "revision": 1,
        "title": "Before",
        "valid_from": T0,
        "valid_to": T0 + 2 * HOUR,
        "changed": ["title"],
    }


@pytest.fixture
async def db(mongo_uri: str, database: str) -> AsyncIterator[AsyncDatabase[Document]]:
    async with AsyncMongoClient[Document](mongo_uri, tz_aware=True) as client:
        yield client[database]


@pytest.fixture
async def old(db: AsyncDatabase[Document]) -> AsyncDatabase[Document]:
    """A database as the first release left it: it told its version nowhere else than in the documents."""
    await db.articles.insert_many([first(number) for number in range(COUNT)])
    await db.articles.create_index([("changed_at", -1)], name="changes")
    await db.articles.create_index([("title", 1)], name="of the operator")
    await db.revisions.insert_many([superseded(number) for number in range(0, COUNT, 3)])
    await db.runs.insert_one({"_id": "r", "schema": 1, "worker": "w", "started_at": T0})
    await db.frontier.insert_one(
        {"_id": "ab" * 16, "schema": 1, "url": "https://www.rfi.fr/fr/a/20260301-b", "kind": "article"}
    )
    return db


async def whole(database: AsyncDatabase[Document]) -> dict[str, list[Document]]:
    names = sorted(await database.list_collection_names())
    return {name: await database[name].find().sort("_id").to_list() for name in names}


async def opened(uri: str, database: str) -> Store:
    return await Store.open(uri, database, prepare=False)


async def test_an_archive_of_the_first_release_gets_the_form_of_this_one(
    mongo_uri: str, database: str, old: AsyncDatabase[Document]
) -> None:
    async with await opened(mongo_uri, database) as store:
        plan = await store.administration.plan(OTHER_COLLECTIONS)
        counted = {"articles": COUNT, "revisions": COUNT // 3, "runs": 1, "frontier": 1}
        assert (plan.version, plan.documents) == (1, counted)
        done = await store.administration.migrate(OTHER_COLLECTIONS)
        assert (done.documents, done.refused) == (counted, [])
        again = await store.administration.migrate(OTHER_COLLECTIONS)
        assert (again.documents, again.refused) == ({}, [])
    for number in range(COUNT):
        document = await old.articles.find_one({"_id": first(number)["_id"]}) or {}
        fresh = documents.article_document(documents.stored(document))
        assert fresh.items() <= document.items()
        assert (first(number) | {"schema": SCHEMA}).items() <= document.items()
    for name in ("articles", "revisions", "runs", "frontier"):
        assert await old[name].count_documents({"schema": {"$ne": SCHEMA}}) == 0
    loose = await old.search.find().to_list()
    filed = {each["key"] for document in loose for each in document.get("articles", ())}
    assert filed == {first(number)["_id"] for number in range(COUNT)}
    assert (await old.frontier.find_one() or {})["days"] == ["2026-03-01"]
    async with await Store.open(mongo_uri, database) as store:
        (state,) = await store.history(first(0)["_id"])
        assert (superseded(0) | {"schema": SCHEMA}).items() <= state.items()
    names = await old.articles.index_information()
    assert {"of the operator", *(index.document["name"] for index in schema.INDEXES["articles"])} <= names.keys()


async def test_a_migrated_article_is_the_same_when_it_is_seen_again(
    mongo_uri: str, database: str, old: AsyncDatabase[Document]
) -> None:
    async with await opened(mongo_uri, database) as store:
        await store.administration.migrate({})
        before = await whole(old)
        seen = [documents.stored(document).article for document in before["articles"]]
        assert set(await store.save(seen)) == {Outcome.SAME}
        assert await whole(old) == before


async def test_articles_of_the_first_release_find_their_duplicates_and_their_stories(
    mongo_uri: str, database: str, old: AsyncDatabase[Document]
) -> None:
    elder, later, near = (first(number)["_id"] for number in (29, 1, 2))
    words = " ".join(f"word{number}" for number in range(200))
    await old.articles.update_one({"_id": elder}, {"$set": {"text": words, "content_hash": "1:x"}})
    same = {"text": words, "content_hash": "1:x", "first_seen_at": T0 + HOUR}
    await old.articles.update_one({"_id": later}, {"$set": same})
    await old.articles.update_one({"_id": near}, {"$set": {"text": words + " and a last sentence"}})
    async with await opened(mongo_uri, database) as store:
        assert (await store.administration.migrate({})).refused == []
        assert await store.article(later) is None
        kept = await store.article(elder) or {}
        assert kept["aliases"] == [first(1)["url"]]
        assert (await store.history(later))[-1]["changed"] == ["url"]
        assert kept["story"] == (await store.article(near) or {})["story"]
        assert kept["story"] != (await store.article(first(3)["_id"]) or {})["story"]


async def test_a_migration_that_was_killed_goes_on_where_it_stood(
    mongo_uri: str, database: str, old: AsyncDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATED_PER_BATCH", 7)
    looked_at: list[int] = []

    def kill(name: str, count: int) -> None:
        looked_at.append(count)
        if name == "articles" and sum(looked_at) >= COUNT // 3 + 14:
            raise KeyboardInterrupt

    async with await opened(mongo_uri, database) as store:
        with pytest.raises(KeyboardInterrupt):
            await store.administration.migrate({}, progress=kill)
        with pytest.raises(DatabaseError, match="rfispider migrate"):
            await Store.open(mongo_uri, database)
        assert (await store.administration.plan({})).documents["articles"] == COUNT - 14
        done = await store.administration.migrate({}, progress=lambda _, count: looked_at.append(count))
    assert done.documents["articles"] == COUNT - 14
    assert sum(looked_at) == 1 + COUNT // 3 + COUNT
    assert await installation.version(old) == SCHEMA


async def test_what_a_worker_of_the_earlier_release_wrote_meanwhile_is_found(
    mongo_uri: str, database: str, old: AsyncDatabase[Document]
) -> None:
    await old.contract.insert_one({"_id": "schema", "schema": 1, "after": {"articles": "e" * 32}})
    async with await opened(mongo_uri, database) as store:
        assert (await store.administration.migrate({})).documents["articles"] == COUNT
    assert await old.articles.count_documents({"schema": SCHEMA}) == COUNT


async def test_a_document_that_fits_no_validator_is_named_and_holds_the_version_back(
    mongo_uri: str, database: str, old: AsyncDatabase[Document]
) -> None:
    await old.articles.update_one({"_id": first(5)["_id"]}, {"$set": {"language": ""}})
    async with await opened(mongo_uri, database) as store:
        done = await store.administration.migrate({})
        assert [line.split(":")[0] for line in done.refused] == [f"articles {first(5)['_id']}"]
        assert done.documents["articles"] == COUNT - 1
        await old.articles.update_one(
            {"_id": first(5)["_id"]}, {"$set": {"language": "fr"}}, bypass_document_validation=True
        )
        assert (await store.administration.migrate({})).documents["articles"] == 1
    await (await Store.open(mongo_uri, database)).close()


async def test_two_migrations_at_once_agree(mongo_uri: str, database: str, old: AsyncDatabase[Document]) -> None:
    async with await opened(mongo_uri, database) as one, await opened(mongo_uri, database) as other:
        done = await asyncio.gather(one.administration.migrate({}), other.administration.migrate({}))
    assert [each.refused for each in done] == [[], []]
    assert await old.articles.count_documents({"schema": SCHEMA}) == COUNT


async def test_aliases_of_the_second_release_get_documents_and_articles_are_none(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    async with await Store.open(mongo_uri, database) as store:
        seen = [documents.stored(first(number)).article for number in range(3)]
        await store.save([replace(each, text=f"{each.text} {number}") for number, each in enumerate(seen)])
    other, both = "https://www.rfi.fr/fr/europe/20260301-other", first(1)["url"]
    await db.articles.update_one({"_id": first(0)["_id"]}, {"$set": {"aliases": [other, both]}})
    await db.articles.update_one({"_id": first(2)["_id"]}, {"$set": {"aliases": [other]}})
    await db.articles.update_many({}, {"$set": {"schema": 2}})
    await db.contract.update_one({}, {"$set": {"schema": 2}})
    searched = await db.search.count_documents({})
    async with await opened(mongo_uri, database) as store:
        assert (await store.administration.migrate({})).refused == []
    aliases = await db.aliases.find().to_list()
    lists = {each["_id"]: each["aliases"] async for each in db.articles.find()}
    (alias,) = aliases
    assert (alias["_id"], alias["url"], alias["why"]) == (urls.key(other), other, "unknown")
    assert [key for key, listed in lists.items() if listed] == [alias["article"]]
    assert lists[alias["article"]] == [other]
    assert await db.search.count_documents({}) == searched
    async with await Store.open(mongo_uri, database) as store:
        assert (await store.aliased(other) or {})["_id"] == alias["article"]


# ---- Releases that meet -----------------------------------------------------------------------------------


async def test_an_empty_database_takes_the_version_of_who_opens_it_first(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    async with await Frontier.open(mongo_uri, database):
        assert await installation.version(db) == SCHEMA
    await (await Store.open(mongo_uri, database)).close()


@pytest.mark.parametrize(
    ("version", "advice"),
    [(SCHEMA + 1, f"this one knows schema {SCHEMA}: upgrade it"), (1, "stop its workers and run `rfispider migrate`")],
    ids=["later", "earlier"],
)
async def test_whoever_meets_another_release_s_archive_refuses_in_one_line_and_leaves_it_alone(
    mongo_uri: str, database: str, db: AsyncDatabase[Document], version: int, advice: str
) -> None:
    await db.contract.insert_one({"_id": "schema", "schema": version})
    before = await whole(db)
    for options in (["report"], ["frontier"], ["show", "x"]):
        told = await asyncio.to_thread(command, mongo_uri, database, *options)
        assert told.returncode == 1
        assert told.stderr.count("\n") == 1
        assert f"is of schema {version}" in told.stderr
        assert advice in told.stderr
    assert await whole(db) == before


async def test_a_crawl_that_meets_another_release_s_archive_ends_in_one_line(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    await db.contract.insert_one({"_id": "schema", "schema": SCHEMA + 1})
    before = await whole(db)
    refused = await asyncio.to_thread(crawl, mongo_uri, database, "-a", "sources=http://127.0.0.1:9/feed")
    assert refused.returncode == 1
    assert sum("upgrade it" in line for line in refused.stderr.splitlines()) == 1
    assert "Traceback" not in refused.stderr
    assert await whole(db) == before


async def test_a_migration_of_a_later_release_s_archive_is_refused(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    await db.contract.insert_one({"_id": "schema", "schema": SCHEMA + 1})
    for options in (["migrate"], ["migrate", "--dry-run"]):
        told = await asyncio.to_thread(command, mongo_uri, database, *options)
        assert told.returncode == 1
        assert "upgrade it" in told.stderr


async def test_the_command_says_what_it_would_do_then_does_it_once(
    mongo_uri: str, database: str, old: AsyncDatabase[Document]
) -> None:
    before = await whole(old)
    planned = await asyncio.to_thread(command, mongo_uri, database, "migrate", "--dry-run")
    assert f"schema 1 to {SCHEMA}: {COUNT} articles, 10 revisions, 1 runs, 1 frontier" in planned.stdout
    assert await whole(old) == before
    done = await asyncio.to_thread(command, mongo_uri, database, "migrate")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, f"schema {SCHEMA}")
    assert "nothing to do" in (await asyncio.to_thread(command, mongo_uri, database, "migrate")).stdout
    assert (await asyncio.to_thread(command, mongo_uri, database, "report")).returncode == 0


# ---- Indexes and validators -------------------------------------------------------------------------------


async def test_an_index_of_another_form_is_made_anew_and_that_of_others_stays(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    await db.articles.create_index([("changed_at", 1)], name=schema.CHANGES_INDEX)
    await db.articles.create_index([("title", 1)], name="of the operator")
    await (await Store.open(mongo_uri, database)).close()
    information = await db.articles.index_information()
    assert information[schema.CHANGES_INDEX]["key"] == [("changed_at", -1)]
    assert "of the operator" in information


async def test_an_index_that_is_no_more_is_dropped_by_the_migration(
    mongo_uri: str, database: str, old: AsyncDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "RETIRED", (("articles", "of the operator"), ("articles", "never was")))
    async with await opened(mongo_uri, database) as store:
        await store.administration.migrate({})
    assert "of the operator" not in await old.articles.index_information()


async def test_opening_what_is_installed_writes_nothing(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    async with await Store.open(mongo_uri, database), await Frontier.open(mongo_uri, database):
        await db.command("profile", 2)
    async with await Store.open(mongo_uri, database), await Frontier.open(mongo_uri, database):
        await db.command("profile", 0)
    done = [*await db.system.profile.distinct("op"), *[each["command"] async for each in db.system.profile.find()]]
    assert not {"insert", "update", "remove"}.intersection(each for each in done if isinstance(each, str))
    assert not [each for each in done if {"create", "createIndexes", "collMod", "dropIndexes"}.intersection(each)]

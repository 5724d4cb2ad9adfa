"""The archive, against a real MongoDB."""

import asyncio
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, WriteError

from rfispider.items import NOT_STORED, SCHEMA, Article, Audio, Image, Origin, Outcome, Related, Status
from rfispider.mongo import connection
from rfispider.mongo.embedded import Embedded
from rfispider.mongo.errors import EmbeddedServerError, redacted
from rfispider.mongo.server_binary import find_binary
from rfispider.storage import DatabaseError, Store, documents, schema, validators
from rfispider.storage.policy import near_duplicates, story_clusters
from rfispider.storage.policy.versioning import ArticleVersion, decide
from rfispider.storage.read import queries
from tests.support.articles import article_at

T0 = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
T0_STORED = T0.replace(microsecond=123000)
MINUTE = timedelta(minutes=1)
NEW, CHANGED, SAME, FAILED = Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.FAILED

Document = dict[str, Any]


def text_of(number: int) -> str:
    """A text that no other number has a word of."""
    return " ".join(f"word{number}of{place}" for place in range(40))


def article(number: int = 1, minute: int = 0, **values: Any) -> Article:
    invented = {"key": f"{number:032x}", "edition": "fr", "section": "afrique", "title": f"Title {number}"}
    times = {"published_at": T0 - number * MINUTE, "fetched_at": T0 + minute * MINUTE}
    url = f"https://site.example/fr/afrique/{number}"
    return article_at(url, **(invented | {"text": text_of(number)} | times | values))


FULL = article(
    programme="a-programme",
    aliases=["https://site.example/fr/contenu/1"],
    lead="An invented lead.",
    authors=["A. Writer"],
    agency="ABC",
    credits="B. Translator",
    tags=["harbour"],
    modified_at=T0,
    images=[Image(url="https://img.example/1.jpg", caption="The quay"), Image(url="https://img.example/2.jpg")],
    audio=[Audio(url="https://snd.example/1.mp3", duration_s=90), Audio(url="https://snd.example/2.mp3")],
    related=[Related(key="cd" * 16, url="https://site.example/fr/x", title="Another", label="Trade", position=0)],
    short_code="AbC1",
    provenance={"title": "jsonld", "text": "markup"},
    extractor={"rfispider": "1"},
    sources=["https://site.example/fr/rss"],
)


@pytest.fixture
async def db(mongo_uri: str, database: str) -> AsyncIterator[AsyncDatabase[Document]]:
    """The database as any other client sees it."""
    async with AsyncMongoClient[Document](mongo_uri, tz_aware=True) as client:
        yield client[database]


async def held(store: Store, number: int = 1) -> Document:
    document = await store.article(f"{number:032x}")
    assert document
    return document


# ---- Saving ----------------------------------------------------------------------------------------------


async def test_an_article_is_new_then_the_same_then_changed(store: Store) -> None:
    assert await store.save([article()]) == [NEW]
    assert await store.save([article(minute=1)]) == [SAME]
    assert await store.save([article(minute=2, title="Other")]) == [CHANGED]
    document = await held(store)
    assert (document["revision"], document["title"]) == (2, "Other")
    assert document["first_seen_at"] == T0_STORED
    assert document["last_seen_at"] == document["changed_at"] == document["fetched_at"] == T0_STORED + 2 * MINUTE


async def test_outcomes_come_in_the_order_of_the_articles(store: Store) -> None:
    await store.save([article(2), article(4)])
    batch = [article(5), article(4, 1, title="Other"), article(3), article(2, 1), article(1)]
    assert await store.save(batch) == [NEW, CHANGED, NEW, SAME, NEW]


async def test_a_batch_may_be_empty(store: Store) -> None:
    assert await store.save([]) == []


async def test_an_article_that_comes_several_times_in_a_batch_is_decided_each_time(store: Store) -> None:
    batch = [article(), article(minute=1, title="B"), article(minute=2, title="B"), article(minute=3, title="C")]
    assert await store.save(batch) == [NEW, CHANGED, SAME, CHANGED]
    assert [revision["title"] for revision in await store.history(batch[0].key)] == ["Title 1", "B"]
    assert (await held(store))["title"] == "C"


async def test_a_document_has_the_form_of_the_contract(store: Store) -> None:
    await store.save([FULL])
    assert await held(store) == {
        "_id": FULL.key,
        "schema": SCHEMA,
        "url": "https://site.example/fr/afrique/1",
        "aliases": ["https://site.example/fr/contenu/1"],
        "edition": "fr",
        "language": "fr",
        "kind": "article",
        "section": "afrique",
        "programme": "a-programme",
        "title": "Title 1",
        "lead": "An invented lead.",
        "text": FULL.text,
        "authors": ["A. Writer"],
        "agency": "ABC",
        "credits": "B. Translator",
        "tags": ["harbour"],
        "published_at": T0_STORED - MINUTE,
        "modified_at": T0_STORED,
        "images": [{"url": "https://img.example/1.jpg", "caption": "The quay"}, {"url": "https://img.example/2.jpg"}],
        "audio": [{"url": "https://snd.example/1.mp3", "duration_s": 90}, {"url": "https://snd.example/2.mp3"}],
        "related": [
            {"key": "cd" * 16, "url": "https://site.example/fr/x", "title": "Another", "label": "Trade", "position": 0}
        ],
        "short_code": "AbC1",
        "status": "full",
        "origin": "page",
        "provenance": {"title": "jsonld", "text": "markup"},
        "extractor": {"rfispider": "1"},
        "content_hash": FULL.content_hash,
        "identity": f"fr:{FULL.content_hash}",
        "signature": near_duplicates.signatures([near_duplicates.DatedText(FULL.text, "fr", T0_STORED - MINUTE)])[0],
        "story": story_clusters.name(FULL.key, T0_STORED),
        "fetched_at": T0_STORED,
        "sources": ["https://site.example/fr/rss"],
        "revision": 1,
        "first_seen_at": T0_STORED,
        "last_seen_at": T0_STORED,
        "changed_at": T0_STORED,
    }


async def test_what_is_not_known_is_absent_and_lists_are_always_there(store: Store) -> None:
    await store.save([article(section=None, published_at=None)])
    document = await held(store)
    assert None not in document.values()
    assert documents.STORED_FIELDS[1:] == tuple(validators.PROPERTIES)
    assert set(validators.PROPERTIES) - document.keys() == set(validators.OPTIONAL)
    assert document["tags"] == document["images"] == document["audio"] == []


@pytest.mark.parametrize("seen", [FULL, article(section=None, published_at=None)])
async def test_what_is_read_back_is_what_was_decided(store: Store, seen: Article) -> None:
    await store.save([seen])
    assert [documents.stored(await held(store))] == documents.signed([decide(None, seen).state])


async def test_times_of_any_zone_and_precision_are_the_same_after_a_round_trip(store: Store) -> None:
    paris = datetime.fromisoformat("2026-07-01T14:00:00.123987+02:00")
    await store.save([article(published_at=paris)])
    assert await store.save([article(minute=1, published_at=paris)]) == [SAME]
    published = (await held(store))["published_at"]
    assert published == datetime(2026, 7, 1, 12, 0, 0, 123000, tzinfo=UTC)
    assert published.utcoffset() == timedelta(0)


async def test_being_seen_again_moves_only_the_times_and_what_grows(store: Store) -> None:
    await store.save([FULL])
    before = await held(store)
    later = replace(FULL, aliases=["https://a"], sources=["https://s"], fetched_at=T0 + MINUTE)
    assert await store.save([later]) == [SAME]
    document = await held(store)
    assert document["aliases"] == ["https://site.example/fr/contenu/1", "https://a"]
    assert document["sources"] == ["https://site.example/fr/rss", "https://s"]
    differing = {name for name in document if document[name] != before[name]}
    assert differing == {"aliases", "sources", "last_seen_at", "fetched_at"}
    assert await store.history(FULL.key) == []


async def test_a_lead_that_an_edit_took_away_is_absent(store: Store) -> None:
    await store.save([FULL])
    assert await store.save([replace(FULL, lead=None, text="Rewritten. " * 40, fetched_at=T0 + MINUTE)]) == [CHANGED]
    assert "lead" not in await held(store)


async def test_fields_that_others_added_stay(store: Store, db: AsyncDatabase[Document]) -> None:
    await store.save([article()])
    await db.articles.update_one({}, {"$set": {"note": "s1", "search": ["a", "b"]}})
    await store.save([article(minute=1, title="Other")])
    document = await held(store)
    assert (document["note"], document["search"]) == ("s1", ["a", "b"])


@pytest.mark.parametrize(
    ("minute", "title", "operations", "reads"), [(0, "A", 1, 2), (1, "A", 2, 2), (1, "B", 5, 3), (2, "new", 5, 6)]
)
async def test_a_batch_takes_a_handful_of_round_trips_whatever_its_size(
    store: Store, db: AsyncDatabase[Document], minute: int, title: str, operations: int, reads: int
) -> None:
    await store.save([article(number, title="A") for number in range(100)])
    await db.command("profile", 2)
    first = 100 if title == "new" else 0
    await store.save([article(first + number, minute, title=title) for number in range(100)])
    await db.command("profile", 0)
    # The profiler writes down each update of a bulk by itself: what counts is how many commands there were.
    commands = await db.command("aggregate", "system.profile", cursor={}, pipeline=[
        {"$group": {"_id": {"op": "$op", "ns": "$ns"}}}, {"$match": {"_id.op": {"$in": ["query", "update", "insert"]}}}
    ])  # fmt: skip
    assert len(commands["cursor"]["firstBatch"]) == operations
    assert await db.system.profile.count_documents({"op": "query"}) == reads


# ---- Superseded states -----------------------------------------------------------------------------------


async def test_a_superseded_state_is_kept_complete(store: Store) -> None:
    await store.save([FULL])
    before = await held(store)
    await store.save([replace(FULL, title="Other", tags=["trade"], fetched_at=T0 + MINUTE)])
    kept = {
        name: before[name] for name in documents.STORED_FIELDS[1:] if name in before.keys() - documents.NOT_SUPERSEDED
    }
    assert await store.history(FULL.key) == [
        {
            "_id": f"{FULL.key}:1",
            "schema": SCHEMA,
            "article": FULL.key,
            "revision": 1,
            "valid_from": T0_STORED,
            "valid_to": T0_STORED + MINUTE,
            "changed": ["tags", "title"],
            **kept,
        }
    ]


async def test_the_state_at_any_time_is_one_document_away(store: Store, db: AsyncDatabase[Document]) -> None:
    for minute, title in enumerate("ABCA"):
        await store.save([article(minute=10 * minute, title=title)])
    for minute, title in [(0, "A"), (5, "A"), (10, "B"), (25, "C"), (29, "C")]:
        at = T0_STORED + minute * MINUTE
        found = await db.revisions.find({"valid_from": {"$lte": at}, "valid_to": {"$gt": at}}).to_list()
        assert [document["title"] for document in found] == [title]
    assert (await held(store))["changed_at"] == T0_STORED + 30 * MINUTE


async def test_what_a_crash_left_between_the_two_writes_is_written_anew(
    store: Store, db: AsyncDatabase[Document]
) -> None:
    await store.save([article()])
    old = documents.stored(await held(store))
    await db.revisions.insert_one(documents.revision_document(old, T0 + MINUTE, ["title"]))
    assert await store.save([article(minute=2, text="Rewritten. " * 40)]) == [CHANGED]
    (revision,) = await store.history(article().key)
    assert (revision["changed"], revision["valid_to"]) == (["text"], T0_STORED + 2 * MINUTE)


async def test_a_text_that_changes_all_the_time_makes_24_revisions_and_one_warning(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    seen = [article(minute=minute, text=f"{text_of(1)} {minute}") for minute in range(30)]
    assert [(await store.save([one]))[0] for one in seen] == [NEW] + [CHANGED] * 24 + [SAME] * 5
    document = await held(store)
    assert (document["revision"], document["ticker"], document["silent_edits"]) == (25, True, 24)
    assert document["text"] == seen[-1].text
    assert document["identity"] == f"fr:{seen[-1].content_hash}"
    assert len(await store.history(article().key)) == 24
    assert caplog.text.count(f"{article().url} changes all the time") == 1
    assert await store.save([article(minute=40, title="Other")]) == [CHANGED]


async def assert_unbroken(store: Store, number: int) -> list[Document]:
    """All revisions of an article are there, end where the next begins, and say what the next changed."""
    present = await held(store, number)
    history = await store.history(present["_id"])
    states = [*history, {**present, "valid_from": present["changed_at"]}]
    assert [state["revision"] for state in states] == list(range(1, present["revision"] + 1))
    for old, new in pairwise(states):
        assert old["valid_to"] == new["valid_from"]
        assert old["changed"] == [name for name in ("text", "title") if old[name] != new[name]]
    return states


async def test_stores_that_race_on_the_same_articles_lose_nothing(store: Store, mongo_uri: str, database: str) -> None:
    others = [await Store.open(mongo_uri, database) for _ in range(3)]
    numbers = range(12)
    chance = random.Random(7)

    async def work(worker: int, one: Store) -> list[Outcome]:
        outcomes = []
        for turn in range(12):
            title, text = f"{worker} {turn}", f"{'text ' * 60} {turn // 3}"
            batch = [
                article(number, 4 * turn + worker, title=title, text=f"{text_of(number)} {text}") for number in numbers
            ]
            outcomes += await one.save(chance.sample(batch, len(batch)))
        return outcomes

    outcomes = [
        outcome
        for worker in await asyncio.gather(*(work(n, one) for n, one in enumerate([store, *others])))
        for outcome in worker
    ]
    states = [await assert_unbroken(store, number) for number in numbers]
    assert outcomes.count(NEW) == len(numbers)
    assert outcomes.count(CHANGED) == sum(len(history) - 1 for history in states)
    assert all(history[-1]["title"] == "3 11" for history in states)
    for other in others:
        await other.close()


async def test_of_two_writers_of_the_same_edit_only_one_counts_it(store: Store, mongo_uri: str, database: str) -> None:
    await store.save([article(number) for number in range(50)])
    edited = [article(number, 1, title="Other") for number in range(50)]
    async with await Store.open(mongo_uri, database) as other:
        for outcomes in zip(*await asyncio.gather(store.save(edited), other.save(edited)), strict=True):
            assert sorted(outcomes) == [CHANGED, SAME]


async def test_an_article_deleted_in_the_middle_is_stored_again(
    store: Store, db: AsyncDatabase[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.save([article()])
    read = store._writer._read

    async def read_then_delete(keys: list[str]) -> dict[str, ArticleVersion]:
        found = await read(keys)
        await db.articles.delete_many({})
        monkeypatch.undo()
        return found

    monkeypatch.setattr(store._writer, "_read", read_then_delete)
    assert await store.save([article(minute=1, title="Other")]) == [NEW]
    assert (await held(store))["title"] == "Other"


# ---- What cannot be stored -------------------------------------------------------------------------------

UNWRITABLE = {
    "no title": {"title": ""},
    "a key of another form": {"key": "no-key"},
    "half a character": {"text": "\ud800"},
    "text of 17 MB": {"text": "x" * 17_000_000},
    "a name with a zero": {"provenance": {"a\0b": "meta"}},
    "a number beyond 64 bits": {"audio": [Audio(url="https://a", duration_s=2**70)]},
}


@pytest.mark.parametrize("values", UNWRITABLE.values(), ids=UNWRITABLE.keys())
async def test_one_article_that_cannot_be_stored_is_reported_and_harms_no_other(
    store: Store, values: Document, caplog: pytest.LogCaptureFixture
) -> None:
    bad = article(2, **values)
    assert await store.save([article(1), bad, article(3)]) == [NEW, FAILED, NEW]
    assert await store.article(bad.key) is None
    assert bad.url in caplog.text


async def test_a_change_that_cannot_be_stored_leaves_the_stored_state(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.save([article(1), article(2)])
    before = await held(store, 2)
    negative = [Audio(url="https://a", duration_s=-1)]
    outcomes = await store.save([article(1, 1, title="Other"), article(2, 1, audio=negative)])
    assert outcomes == [CHANGED, FAILED]
    assert await held(store, 2) == before
    assert article(2).url in caplog.text


def broken(**values: Any) -> Document:
    document = documents.article_document(decide(None, FULL).state) | values
    return {name: value for name, value in document.items() if value is not ...}


GARBAGE = {
    "no title": broken(title=...),
    "an empty title": broken(title=""),
    "no schema": broken(schema=...),
    "no revision": broken(revision=...),
    "revision zero": broken(revision=0),
    "text that is a number": broken(text=7),
    "a lead that is null": broken(lead=None),
    "a time that is a string": broken(published_at="2026-03-01"),
    "an unheard-of status": broken(status="great"),
    "an unheard-of kind": broken(kind="thing"),
    "tags in one string": broken(tags="a, b"),
    "an image without address": broken(images=[{"caption": "x"}]),
    "an image with more": broken(images=[{"url": "x", "size": 3}]),
    "a related link without key": broken(related=[{"url": "x", "title": "y", "position": 0}]),
    "an id that is no key": broken(_id="https://site.example"),
}


@pytest.mark.parametrize("document", GARBAGE.values(), ids=GARBAGE.keys())
async def test_the_server_refuses_garbage(store: Store, db: AsyncDatabase[Document], document: Document) -> None:
    with pytest.raises(WriteError, match="failed validation"):
        await db.articles.insert_one(dict(document))


@pytest.mark.parametrize(
    ("collection", "document"),
    [("revisions", {"_id": f"{1:032x}:1", "article": "x"}), ("revisions", {}), ("runs", {"worker": "w"})],
)
async def test_the_server_refuses_broken_revisions_and_runs(
    store: Store, db: AsyncDatabase[Document], collection: str, document: Document
) -> None:
    with pytest.raises(WriteError, match="failed validation"):
        await db[collection].insert_one(dict(document))


def test_validators_and_indexes_know_every_field_of_an_article() -> None:
    assert {"key", *validators.PROPERTIES} == {field.name for field in fields(Article)} - NOT_STORED
    assert set(validators.VALIDATORS) == set(schema.INDEXES)


# ---- Opening ---------------------------------------------------------------------------------------------


async def installed(db: AsyncDatabase[Document]) -> dict[str, tuple[Document, list[str]]]:
    return {
        name: ((await db[name].options())["validator"], sorted(await db[name].index_information()))
        for name in validators.VALIDATORS
    }


async def test_stores_that_open_a_new_database_at_once_agree(
    mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    for opened in await asyncio.gather(*(Store.open(mongo_uri, database) for _ in range(4))):
        await opened.close()
    for name, (validator, indexes) in (await installed(db)).items():
        assert validator == {"$jsonSchema": validators.VALIDATORS[name]}
        assert indexes == sorted(["_id_", *(index.document["name"] for index in schema.INDEXES[name])])


async def test_opening_again_changes_nothing_and_mends_what_was_taken_away(
    store: Store, mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    before = await installed(db)
    await db.command("collMod", "articles", validator={})
    await db.articles.drop_index(schema.NEWEST_INDEX)
    await db.revisions.drop()
    async with await Store.open(mongo_uri, database):
        assert await installed(db) == before


async def test_opening_an_installed_database_asks_for_no_right_to_change_it(
    store: Store, mongo_uri: str, database: str, db: AsyncDatabase[Document]
) -> None:
    await db.command("profile", 2)
    async with await Store.open(mongo_uri, database):
        await db.command("profile", 0)
    assert (
        await db.system.profile.count_documents(
            {"$or": [{"command.collMod": {"$exists": True}}, {"command.create": {"$exists": True}}]}
        )
        == 0
    )


@pytest.mark.integration
async def test_an_unreachable_server_is_one_line_within_seconds() -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseError) as caught:
        await Store.open("mongodb://someone:s3cr%40t@127.0.0.1:9/?replicaSet=rfi", "rfi")
    assert time.monotonic() - started < 8
    message = str(caught.value)
    assert "127.0.0.1:9: the server cannot be reached" in message
    assert "\n" not in message
    assert len(message) < 500
    assert "s3cr" not in message


@pytest.mark.integration
@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://someone:s3cr@t@host/",
        "mongodb://someone:s3cr/t@host/",
        "mongodb://someone:s3cr@host:port/",
        "mongodb://someone:s3cr@host/?replicaSet=",
        "http://someone:s3cr@host/",
        "nonsense",
        "",
    ],
)
async def test_a_uri_that_is_none_is_told_without_the_password(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 0.5)
    with pytest.raises(DatabaseError) as caught:
        await Store.open(uri, "rfi")
    assert "s3cr" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "x" * 70, "a/b", "a.b"])
async def test_an_impossible_database_name_is_told(mongo_uri: str, name: str) -> None:
    with pytest.raises(DatabaseError):
        await Store.open(mongo_uri, name)


@pytest.mark.parametrize("said", ["refused s3cr@t there", "refused s3cr%40t there"])
def test_a_password_is_cut_out_in_either_form(said: str) -> None:
    assert redacted(said, "mongodb://someone:s3cr%40t@host/db") == "refused *** there"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of a server that is no replica set and wants a password."""
    root = tmp_path_factory.mktemp("guarded")
    options = ["--dbpath", str(root), "--port", "27299", "--bind_ip", "127.0.0.1", "--nounixsocket", "--auth"]
    command = [str(find_binary()), *options, "--wiredTigerCacheSizeGB", "0.25", "--logpath", str(root / "log")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        with MongoClient[Document]("mongodb://127.0.0.1:27299/") as client:
            client.admin.command("createUser", "boss", pwd="b0ss", roles=["root"])
        with MongoClient[Document]("mongodb://boss:b0ss@127.0.0.1:27299/") as client:
            client.admin.command("createUser", "writer", pwd="wr/te", roles=[{"role": "readWrite", "db": "rfi"}])
            client.admin.command("createUser", "reader", pwd="r3ader", roles=[{"role": "read", "db": "rfi"}])
        yield "127.0.0.1:27299"
        server.terminate()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("", "wants a user name and password"),
        ("boss:wr0ng@", "refuses this user name or password"),
        ("nobody:wr0ng@", "refuses this user name or password"),
        ("reader:r3ader@", "roles readWrite and dbAdmin"),
    ],
)
async def test_a_server_that_says_no_is_told_in_one_line(guarded: str, user: str, said: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        await Store.open(f"mongodb://{user}{guarded}/", "rfi")
    message = str(caught.value)
    assert said in message
    assert guarded in message
    assert "\n" not in message
    assert not re.search("wr0ng|r3ader", message)


@pytest.mark.integration
async def test_a_user_who_may_read_and_write_can_open_and_save_where_there_is_no_replica_set(guarded: str) -> None:
    async with await Store.open(f"mongodb://writer:wr%2Fte@{guarded}/", "rfi") as opened:
        assert await opened.save([article()]) == [NEW]
        assert await opened.save([article(minute=1, title="Other")]) == [CHANGED]


# ---- Failing ---------------------------------------------------------------------------------------------


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Embedded]:
    server = Embedded(tmp_path / "own")
    yield server
    server.down()


def kill(server: Embedded) -> None:
    pid = server.status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    while server.status().pid:
        time.sleep(0.01)


@pytest.mark.integration
async def test_a_server_that_dies_for_good_is_told(own_server: Embedded) -> None:
    async with await Store.open(own_server.up(), "rfi", patience=1) as opened:
        await opened.save([article(1)])
        kill(own_server)
        with pytest.raises(DatabaseError, match="storing articles failed"):
            await opened.save([article(2)])
        with pytest.raises(DatabaseError, match="reading an article failed"):
            await opened.article(article(1).key)


@pytest.mark.integration
async def test_a_server_that_comes_back_is_waited_for(own_server: Embedded) -> None:
    async with await Store.open(own_server.up(), "rfi") as opened:
        await opened.save([article(number) for number in range(100)])
        kill(own_server)
        starter = threading.Timer(0.3, own_server.up)
        starter.start()
        batch = [article(number, 1) for number in range(150)]
        assert await opened.save(batch) == [SAME] * 100 + [NEW] * 50
        starter.join()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a disk of its own, of 400 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a small disk to fill")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def fill(opened: Store, acknowledged: set[str]) -> None:
    """Store articles that cannot be compressed until an error comes."""
    chance = random.Random(1)
    for first in range(0, 5000, 20):
        batch = [article(first + number, text=chance.randbytes(100_000).hex()) for number in range(20)]
        await opened.save(batch)
        acknowledged |= {one.key for one in batch}


@pytest.mark.integration
async def test_a_full_disk_is_an_error_and_nothing_acknowledged_is_lost(small_disk: Path) -> None:
    server = Embedded(small_disk)
    acknowledged: set[str] = set()
    try:
        async with await Store.open(server.up(), "rfi", patience=2) as opened:
            with pytest.raises(DatabaseError, match="storing articles failed"):
                await fill(opened, acknowledged)
        with suppress(EmbeddedServerError):
            server.down()
        grow(small_disk)
        with MongoClient[Document](server.up()) as client:
            kept = {document["_id"] for document in client.rfi.articles.find({}, {"_id": 1})}
        assert len(acknowledged) > 20
        assert kept >= acknowledged
    finally:
        server.down()


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=800m", str(disk)], check=True)


# ---- Runs and queries ------------------------------------------------------------------------------------


async def test_a_run_is_one_document_from_start_to_end(store: Store) -> None:
    run: Document = {"worker": "host:1", "started_at": T0, "arguments": {"editions": ["cn"]}}
    await store.run_started(run)
    await store.run_updated(run | {"outcomes": {"article/new": 3}})
    await store.run_finished(run | {"outcomes": {"article/new": 5}, "finished_at": T0 + MINUTE, "reason": "finished"})
    (stored,) = (await store.report()).runs
    assert stored["outcomes"] == {"article/new": 5}
    assert (stored["worker"], stored["reason"], stored["schema"]) == ("host:1", "finished", SCHEMA)
    assert (stored["started_at"], stored["finished_at"]) == (T0_STORED, T0_STORED + MINUTE)


async def test_the_end_of_a_run_is_recorded_even_when_its_start_was_not(store: Store) -> None:
    await store.run_finished({"worker": "host:1", "started_at": T0, "reason": "finished"})
    assert len((await store.report()).runs) == 1


async def test_the_report_names_the_newest_runs_first(store: Store) -> None:
    for minute in range(queries.RUNS_LISTED + 3):
        await store.run_started({"worker": "w", "started_at": T0 + minute * MINUTE})
    runs = (await store.report()).runs
    assert [run["started_at"] for run in runs] == sorted((run["started_at"] for run in runs), reverse=True)
    assert len(runs) == queries.RUNS_LISTED


async def test_the_report_names_a_crawl_that_began_long_ago_and_was_heard_of_lately(store: Store) -> None:
    count = queries.RUNS_LISTED
    for name in ("silent", "alive"):
        await store.run_started({"worker": name, "started_at": T0})
    for minute in range(1, count + 1):
        await store.run_started({"worker": "w", "started_at": T0 + minute * MINUTE})
    await store.run_alive({"worker": "alive", "started_at": T0}, {"updated_at": T0 + count * MINUTE})
    assert [run["worker"] for run in (await store.report()).runs] == ["w"] * count + ["alive"]


async def test_the_report_counts_articles_by_edition_and_section(store: Store) -> None:
    await store.save(
        [
            article(1),
            article(2),
            article(3, section=None),
            article(4, edition="cn", section="中国", published_at=None),
            article(5, edition="cn", section="亚洲"),
        ]
    )
    report = await store.report()
    assert [(count.edition, count.section, count.articles, count.newest) for count in report.sections] == [
        ("cn", "中国", 1, None),
        ("cn", "亚洲", 1, T0_STORED - 5 * MINUTE),
        ("fr", None, 1, T0_STORED - 3 * MINUTE),
        ("fr", "afrique", 2, T0_STORED - MINUTE),
    ]
    assert report.articles == 5
    assert report.newest == {"cn": T0_STORED - 5 * MINUTE, "fr": T0_STORED - MINUTE}


async def test_the_report_of_an_empty_archive_is_empty(store: Store) -> None:
    report = await store.report()
    assert (report.articles, report.newest, list(report.runs), list(report.completeness)) == (0, {}, [], [])


async def test_the_report_tells_how_many_articles_have_each_field(store: Store) -> None:
    await store.save([FULL, article(2, text=""), article(3, edition="cn", section=None)])
    complete = {row.edition: row for row in (await store.report()).completeness}
    french = complete["fr"]
    assert french.sampled == 2
    filled = {name: french.filled[name] for name in ("title", "text", "lead", "tags", "section", "published_at")}
    assert filled == {"title": 2, "text": 1, "lead": 1, "tags": 1, "section": 2, "published_at": 2}
    assert complete["cn"].filled["section"] == 0


async def test_completeness_looks_at_the_newest_articles(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "SAMPLED", 2)
    await store.save([article(1), article(2), article(3, tags=["old"])])
    (row,) = (await store.report()).completeness
    assert (row.sampled, row.filled["tags"]) == (2, 0)


async def test_an_article_is_found_by_an_alias(store: Store) -> None:
    await store.save([FULL, article(2)])
    found = await store.aliased(FULL.aliases[0])
    assert found
    assert found["_id"] == FULL.key
    assert await store.aliased("https://site.example/other") is None


async def test_what_is_not_there_is_none(store: Store) -> None:
    assert await store.article("00" * 16) is None
    assert await store.history("00" * 16) == []


async def test_every_query_uses_an_index(store: Store, db: AsyncDatabase[Document]) -> None:
    await store.save([article(n, aliases=[f"https://alias/{n}"] if n % 9 == 0 else []) for n in range(300)])
    await store.save([article(n, 1, title="Other") for n in range(300)])
    for minute in range(30):
        await store.run_started({"worker": "w", "started_at": T0 + minute * MINUTE})
    await db.command("profile", 2)
    await store.save([article(n, 2, title="Third") for n in range(3)])
    await store.article(article(3).key)
    await store.aliased("https://alias/9")
    await store.history(article(3).key)
    await store.run_updated({"worker": "w", "started_at": T0, "reason": "finished"})
    await store.report()
    await db.command("profile", 0)
    reads = {"op": {"$in": ["query", "update", "command"]}, "planSummary": {"$exists": True}}
    done = await db.system.profile.find(reads).to_list()
    plans = {profile["planSummary"] for profile in done}
    assert not [plan for plan in plans if "COLLSCAN" in plan]
    assert {
        "IXSCAN { article: 1, revision: 1 }",
        "IXSCAN { aliases: 1 }",
        "IXSCAN { started_at: -1 }",
        "IXSCAN { edition: 1, published_at: -1, agency: 1 }",
    } <= plans
    wasteful = [
        profile
        for profile in done
        if profile["op"] == "query" and profile.get("docsExamined", 0) > profile.get("nreturned", 0)
    ]
    assert not wasteful
    (sections,) = [p for p in done if "section: 1" in p["planSummary"]]
    assert sections["docsExamined"] == 0


async def test_a_writer_never_asks_for_less_than_a_majority_on_disk(store: Store) -> None:
    for collection in store._collections.values():
        assert collection.write_concern.document == {"w": "majority", "j": True}


async def test_a_uri_cannot_weaken_what_is_acknowledged(mongo_uri: str, database: str) -> None:
    async with await Store.open(f"{mongo_uri}&w=0&readPreference=secondary", database) as opened:
        assert await opened.save([article()]) == [NEW]
        assert await opened.save([article(minute=1)]) == [SAME]


async def test_a_rejected_operation_of_the_server_is_told(store: Store, db: AsyncDatabase[Document]) -> None:
    await store.save([article()])
    await db.articles.drop_index(schema.SECTIONS_INDEX)
    with pytest.raises(DatabaseError, match=r"making the report failed on MongoDB at 127\.0\.0\.1"):
        await store.report()
    with suppress(OperationFailure):
        await db.command("profile", 0)


def test_a_stub_from_a_feed_can_be_written() -> None:
    stub = article(status=Status.STUB, origin=Origin.FEED, text="", published_at=None)
    assert documents.article_document(decide(None, stub).state)["status"] == "stub"

"""Articles are found by the words in them: all of them and no other, whatever is written meanwhile."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase

from replica import language
from rfispider.items import Article, Outcome
from rfispider.storage import SearchRequest, SearchResult, Store, search
from rfispider.storage.search import index, pipeline, segments
from tests.support.articles import article_at
from tests.support.crawling import command

Document = dict[str, Any]
T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROOMY = 32
"""Articles in a segment of these tests."""
MANY = 10_000


def article(number: int, **values: Any) -> Article:
    invented = {"key": f"{number:032x}", "title": f"Title {number}", "text": "", "content_hash": f"1:{number}"}
    url = f"https://www.rfi.fr/fr/afrique/20260301-story-{number}"
    return article_at(url, **(invented | {"published_at": T0 + number * DAY, "fetched_at": T0} | values))


def written(number: int, edition: str) -> Article:
    """An article in the language of an edition."""
    writer = language.writer(edition, "search", number)
    return article(
        number,
        edition=edition,
        title=writer.line((4, 8)),
        lead=writer.paragraph((1, 1)),
        text="\n\n".join(writer.paragraph() for _ in range(2)),
        authors=[writer.person()],
        tags=[writer.line((1, 2))],
    )


ARTICLES = [written(number, edition) for number, edition in enumerate([*language.LANGUAGES] * 8)]
FOLDED = {
    each.key: [
        f"|{search.fold(value)}|" for value in (each.title, each.lead or "", each.text, *each.authors, *each.tags)
    ]
    for each in ARTICLES
}


def phrases(count: int) -> list[str]:
    """Parts of the articles of 2 to 8 characters, in every language, and whole words."""
    chance = random.Random(5)
    found = []
    for number in range(count):
        text = chance.choice([ARTICLES[number % len(ARTICLES)].text, ARTICLES[number % len(ARTICLES)].title])
        start = chance.randrange(max(1, len(text) - 8))
        found.append(text[start : start + chance.randint(2, 8)])
        found.append(chance.choice(text.split()))
    return [phrase for phrase in found if search.parse(phrase).terms]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments that a few articles fill."""
    monkeypatch.setattr(index, "SIZE", ROOMY)
    monkeypatch.setattr(segments, "SIZE", ROOMY)


@pytest.fixture(scope="module")
def prepared(mongo_uri: str) -> Iterator[str]:
    """The name of a database for this module: to empty one is much quicker than to make one."""
    yield "test_search_empty"
    with MongoClient[Document](mongo_uri) as client:
        client.drop_database("test_search_empty")


@pytest.fixture
async def db(mongo_uri: str, prepared: str) -> AsyncIterator[AsyncDatabase[Document]]:
    async with AsyncMongoClient[Document](mongo_uri, tz_aware=True) as client:
        for name in ("articles", "revisions", "search"):
            await client[prepared][name].delete_many({})
        yield client[prepared]


@pytest.fixture
async def store(mongo_uri: str, db: AsyncDatabase[Document]) -> AsyncIterator[Store]:
    async with await Store.open(mongo_uri, db.name) as opened:
        yield opened


@pytest.fixture(scope="module")
def filled(mongo_uri: str) -> Iterator[str]:
    """The name of a database with articles in all languages, most of them sealed."""

    async def fill() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index, "SIZE", ROOMY)
            patch.setattr(segments, "SIZE", ROOMY)
            async with await Store.open(mongo_uri, "test_search") as store:
                for start in range(0, len(ARTICLES), 9):
                    await store.save(ARTICLES[start : start + 9])

    asyncio.run(fill())
    yield "test_search"
    with MongoClient[Document](mongo_uri) as client:
        client.drop_database("test_search")


def wanted(query: str, **values: Any) -> SearchRequest:
    return SearchRequest(query=search.parse(query), **values)


def keys(found: SearchResult) -> list[str]:
    return [hit.article["_id"] for hit in found.hits]


async def numbers(store: Store, query: str, limit: int = MANY, **values: Any) -> list[int]:
    return [int(key, 16) for key in keys(await store.search(wanted(query, **values), limit))]


def holding(query: str) -> set[str]:
    """Keys of the articles that hold all terms, by looking at each."""
    terms = search.parse(query).terms
    return {key for key, values in FOLDED.items() if all(any(term in value for value in values) for term in terms)}


async def kinds(db: AsyncDatabase[Document]) -> dict[str, int]:
    """Documents of the index by kind; lists are all one kind."""
    told = {"loose": 0, "head": 0, "list": 0}
    async for document in db.search.find({}, {"_id": 1}):
        kind = document["_id"].partition(":")[0]
        told[kind if kind in told else "list"] += 1
    return told


# ---- What is found -----------------------------------------------------------------------------------------


async def test_every_article_with_the_words_is_found_and_no_other(mongo_uri: str, filled: str) -> None:
    async with await Store.open(mongo_uri, filled) as store:
        for phrase in phrases(64):
            assert set(keys(await store.search(wanted(phrase), MANY))) == holding(phrase), phrase


async def test_what_occurs_as_it_was_typed_is_found(mongo_uri: str, filled: str) -> None:
    async with await Store.open(mongo_uri, filled) as store:
        for phrase in phrases(32):
            literally = {each.key for each in ARTICLES if phrase in each.text or phrase in each.title}
            assert literally <= set(keys(await store.search(wanted(phrase), MANY))), phrase


async def test_the_aggregation_for_teams_finds_the_same(mongo_uri: str, filled: str) -> None:
    async with AsyncMongoClient[Document](mongo_uri) as client:
        for phrase in [*phrases(16), "a", "气", "un", "国 会"]:
            found = await (await client[filled].search.aggregate(pipeline.retrieval(phrase))).to_list()
            assert len(found) == len({each["_id"] for each in found})
            assert holding(phrase) <= {each["_id"] for each in found}, phrase


async def test_traditional_and_simplified_texts_are_found_by_either(store: Store) -> None:
    await store.save([article(1, edition="cn", title="气候变化"), article(2, edition="tw", title="氣候變化")])
    assert await numbers(store, "氣候") == [2, 1]
    assert await numbers(store, "气候") == [1, 2]


NARROWED: list[tuple[Document, list[int]]] = [
    ({}, [4, 3, 2, 1]),
    ({"editions": ("cn",)}, [4, 2]),
    ({"editions": ("cn", "fr")}, [4, 3, 2, 1]),
    ({"editions": ("km",)}, []),
    ({"since": T0 + 3 * DAY}, [4, 3]),
    ({"until": T0 + 3 * DAY}, [2, 1]),
    ({"since": T0 + 2 * DAY, "until": T0 + 4 * DAY, "editions": ("cn",)}, [2]),
    ({"limit": 1}, [4]),
]


@pytest.mark.parametrize("size", [4, ROOMY], ids=["sealed", "loose"])
async def test_editions_and_times_narrow_it(store: Store, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SIZE", size)
    await store.save([article(n, title="Harbour", edition="fr" if n % 2 else "cn") for n in (3, 1, 4, 2)])
    for values, expected in NARROWED:
        assert await numbers(store, "harbour", **values) == expected, values


async def test_all_terms_are_required_wherever_they_stand(store: Store) -> None:
    await store.save([
        article(1, title="Quay", text="lock"), article(2, title="Quay", text="rock"), article(3, tags=["quay", "lock"]),
    ])  # fmt: skip
    assert sorted(await numbers(store, "lock QUAY")) == [1, 3]


async def test_the_best_come_first_and_then_the_newest(store: Store) -> None:
    await store.save([
        article(1, title="The harbour"), article(2, text="a harbour"), article(3, text="a harbour"),
        article(4, text="harbour, harbour"),
    ])  # fmt: skip
    assert await numbers(store, "harbour") == [1, 4, 3, 2]


async def test_of_very_many_the_newest_are_ranked_and_it_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "RANKED", 5)
    monkeypatch.setattr(index, "SIZE", 10)
    for first in (1, 0):
        await store.save([article(number, text="harbour") for number in range(first, 20, 2)])
    found = await store.search(wanted("harbour"), 3)
    assert [int(key, 16) for key in keys(found)] == [19, 18, 17]
    assert (found.compared, found.complete) == (5, False)
    found = await store.search(wanted("harbour"), 20)
    assert (len(found.hits), found.complete) == (20, True)


async def test_only_those_that_have_all_grams_are_compared(store: Store, db: AsyncDatabase[Document]) -> None:
    await store.save([article(n, text="harbour" if n % 2 else "lock") for n in range(ROOMY - 1)])
    await store.save([article(ROOMY, text="The harbour has a lock.")])
    assert (await kinds(db))["loose"] == 0
    assert (await store.search(wanted("harbour lock"), MANY)).compared == 1


async def test_it_looks_on_while_candidates_turn_out_wrong(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SIZE", 20)
    monkeypatch.setattr(index, "RANKED", 4)
    await store.save([article(number, text="harb arbo rbou bour" if number else "harbour") for number in range(20)])
    assert await numbers(store, "harbour", limit=1) == [0]


async def test_an_article_without_a_time_is_found_last(store: Store) -> None:
    await store.save([article(1, title="Quay", published_at=None), article(2, title="Quay")])
    assert await numbers(store, "quay") == [2, 1]
    assert await numbers(store, "quay", since=T0) == [2]


async def test_an_empty_archive_has_nothing(store: Store) -> None:
    found = await store.search(wanted("harbour"), 10)
    assert (found.hits, found.complete) == ([], True)


# ---- What is written meanwhile -----------------------------------------------------------------------------


async def test_an_edited_article_is_found_by_its_present_words_only(store: Store) -> None:
    await store.save([article(1, text="The old quay.")])
    await store.save([article(1, text="The new lock.", content_hash="1:b", fetched_at=T0 + DAY)])
    assert await numbers(store, "quay") == []
    assert await numbers(store, "lock") == [1]


async def test_an_edit_of_the_time_is_followed(store: Store) -> None:
    await store.save([article(1, title="Quay")])
    await store.save([article(1, title="Quay", published_at=T0 + 30 * DAY, fetched_at=T0 + DAY)])
    assert await numbers(store, "quay", since=T0 + 20 * DAY) == [1]
    assert await numbers(store, "quay", until=T0 + 20 * DAY) == []


async def test_what_is_seen_again_is_not_filed_again(store: Store, db: AsyncDatabase[Document]) -> None:
    await store.save([article(1)])
    assert await store.save([replace(article(1), fetched_at=T0 + DAY, related=[])]) == [Outcome.SAME]
    assert (await kinds(db))["loose"] == 1


async def test_a_crash_between_filing_and_writing_leaves_nothing_to_be_found(
    store: Store, db: AsyncDatabase[Document]
) -> None:
    await store.save([article(1, title="Quay")])
    await db.articles.delete_one({})
    assert await numbers(store, "quay") == []


async def test_full_segments_are_sealed_and_the_rest_stays_loose(store: Store, db: AsyncDatabase[Document]) -> None:
    for start in range(0, 80, 8):
        await store.save([article(number, title=f"Quay {number}") for number in range(start, start + 8)])
    told = await kinds(db)
    assert (told["loose"], told["head"]) == (2, 2)
    assert told["list"] <= 2 * 512
    assert sorted(await numbers(store, "quay")) == list(range(80))
    assert await db.search.find_one({"_id": index.SEALING_CLAIM}) is None


async def test_nothing_is_missed_while_others_seal(mongo_uri: str, store: Store, prepared: str) -> None:
    one = store
    async with await Store.open(mongo_uri, prepared) as other:

        async def write(store: Store, first: int) -> None:
            for start in range(first, first + 96, 12):
                await store.save([article(number, title="Quay") for number in range(start, start + 12)])

        await one.save([article(0, title="Quay and lock")])
        writing = asyncio.gather(write(one, 100), write(other, 500))
        asked = 0
        while not writing.done():
            assert await numbers(one, "lock") == [0]
            asked += 1
        await writing
        assert asked > 3
        assert len(await numbers(one, "quay")) == 1 + 2 * 96


async def test_a_worker_that_died_while_sealing_holds_nobody_up_for_long(
    store: Store, db: AsyncDatabase[Document]
) -> None:
    claim = {"_id": index.SEALING_CLAIM, "schema": 1, "until": datetime.now(UTC) + DAY}
    await db.search.insert_one(claim)
    await store.save([article(number, title="Quay") for number in range(ROOMY)])
    assert (await kinds(db))["head"] == 0
    await db.search.update_one({"_id": index.SEALING_CLAIM}, {"$set": {"until": datetime.now(UTC) - DAY}})
    for start in (ROOMY, 2 * ROOMY - 1):
        await store.save([article(start + number, title="Quay") for number in range(ROOMY - 1)])
    assert (await kinds(db))["head"] == 2
    assert len(await numbers(store, "quay")) == 3 * ROOMY - 2


async def test_what_many_short_runs_leave_is_sealed_too(mongo_uri: str, db: AsyncDatabase[Document]) -> None:
    for number in range(ROOMY):
        async with await Store.open(mongo_uri, db.name) as store:
            await store.save([article(number, title="Quay")])
    told = await kinds(db)
    assert (told["loose"], told["head"]) == (0, 1)


async def test_a_segment_without_its_head_is_no_segment(store: Store, db: AsyncDatabase[Document]) -> None:
    await store.save([article(number, title="Quay") for number in range(ROOMY)])
    await db.search.delete_many({"_id": {"$regex": "^head:"}})
    assert await numbers(store, "quay") == []


async def test_texts_of_any_length_fit_into_documents(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LENGTH_MAX", 5_000)
    long = "".join(chr(0x4E00 + number) for number in range(4_000))
    await store.save([article(number, text=long[number:], content_hash=f"1:{number}") for number in range(4)])
    assert sorted(await numbers(store, long[100:104])) == [0, 1, 2, 3]


# ---- Queries use an index ----------------------------------------------------------------------------------


async def test_no_query_reads_more_of_the_index_than_its_own_lists(mongo_uri: str, filled: str) -> None:
    async with AsyncMongoClient[Document](mongo_uri) as client:
        collection = client[filled].search
        for kind in ("loose", "head", "0a1"):
            plan = await collection.find(segments.within(kind)).explain()
            assert plan["executionStats"]["totalKeysExamined"] <= plan["executionStats"]["nReturned"] + 1
            assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])


# ---- Commands ----------------------------------------------------------------------------------------------


def test_the_command_tells_what_it_found(mongo_uri: str, filled: str) -> None:
    word = ARTICLES[0].title[:4]
    told = command(mongo_uri, filled, "search", word, "--edition", "cn")
    assert told.returncode == 0
    assert ARTICLES[0].url in told.stdout
    assert f"{len(holding(word))} of {len(holding(word))}" in told.stdout


def test_the_command_tells_it_to_programs(mongo_uri: str, filled: str) -> None:
    told = command(mongo_uri, filled, "search", ARTICLES[0].text[:4], "--json", "-n", "1")
    record = json.loads(told.stdout)
    assert {"key", "url", "title", "edition", "published_at", "score", "snippet"} <= record.keys()
    assert f"«{ARTICLES[0].text[:4]}»" in record["snippet"]


@pytest.mark.parametrize("arguments", [("nowhere-to-be-found",), ("台", "--until", "2001-01-01")])
def test_nothing_found_is_exit_status_1(mongo_uri: str, filled: str, arguments: tuple[str, ...]) -> None:
    told = command(mongo_uri, filled, "search", *arguments)
    assert (told.returncode, told.stdout) == (1, "")
    assert "no article" in told.stderr


@pytest.mark.parametrize("name", ["search", "tokens"])
def test_a_query_of_punctuation_is_wrong_usage(mongo_uri: str, filled: str, name: str) -> None:
    told = command(mongo_uri, filled, name, "，！")
    assert told.returncode == 2
    assert "neither letter nor digit" in told.stderr


def test_the_printed_aggregation_runs(mongo_uri: str, filled: str) -> None:
    word = ARTICLES[0].title[:4]
    stages = json.loads(command(mongo_uri, filled, "tokens", word).stdout)
    with MongoClient[Document](mongo_uri) as client:
        found = client[filled].search.aggregate([*stages, {"$match": {"edition": "cn"}}, {"$project": {"title": 1}}])
        assert ARTICLES[0].title in {each["title"] for each in found}

"""The queries of the cookbook: right on a small archive, through an index, and one text in Python and in mongosh."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dukpy
import pytest
from pymongo import MongoClient

from rfispider.items import Article, Audio, Related
from rfispider.site import urls
from rfispider.storage import Store
from rfispider.storage.schema import INDEXES
from tests.support.articles import article_at
from tests.support.crawling import ROOT

DATABASE = "test_cookbook"
TEXT = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
QUERIES = dict(re.findall(r"^## (.*?)\n.*?^```\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE))
IN_PYTHON, IN_SHELL = (
    re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)[0] for language in ("python", "js")
)

DAY = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORDS = (
    "harbour quay crane ship tide rope sail mast port dock pilot buoy cargo wharf barge canal lock ferry anchor deck"
)


def url(name: str, edition: str = "en", day: int = 1) -> str:
    return f"https://www.rfi.fr/{edition}/africa/202603{day:02}-{name}"


def related(*names: str) -> list[Related]:
    return [
        Related(key=urls.key(url(name)), url=url(name), title=name, position=place) for place, name in enumerate(names)
    ]


def article(name: str, hour: float, edition: str = "en", **values: Any) -> Article:
    at = DAY + hour * HOUR
    invented = {"title": name, "text": f"{name}. Little is told here.", "content_hash": f"1:{edition}{name}"}
    marks = {"edition": edition, "language": edition, "published_at": at, "fetched_at": at}
    return article_at(url(name, edition), **(invented | marks | values))


LONG = " ".join(WORDS.split()[turn % 20] + str(turn) for turn in range(120))
PODCAST = [Audio(url="https://snd.example/1.mp3", duration_s=90), Audio(url="https://snd.example/2.mp3", duration_s=30)]

ARTICLES = [
    article("a-harbour-opens", 9, tags=["Ports", "Trade"], authors=["Ada Lamp"], agency="AFP", text=LONG,
            related=related("old", "far", "nowhere")),
    article("a-harbour-opened", 10, tags=["Ports"], authors=["Bo Reed", "Ada Lamp"], text=f"{LONG} A word more.",
            related=related("old")),
    article("old", 1, tags=["Ports"], related=related("far"), audio=PODCAST),
    article("far", 2, authors=["Ada Lamp"], related=related("end")),
    article("end", 3, agency="Reuters", related=related("beyond")),
    article("beyond", 4, related=related("never")),
    article("never", 23.5, agency="AFP", audio=[Audio(url="https://snd.example/3.mp3")]),
    article("port", 6, "fr", tags=["Ports"], agency="AFP", authors=["Ada Lamp"]),
    article("quai", 7, "fr"),
    article("gang", 8, "cn", agency="AFP"),
    article("tomorrow", 24, tags=["Ports"], authors=["Ada Lamp"], agency="AFP", audio=PODCAST),
    article("yesterday", -1, tags=["Ports"], authors=["Ada Lamp"], agency="AFP", audio=PODCAST),
]  # fmt: skip
EDITS = [
    article("far", 2, authors=["Ada Lamp"], related=related("end"), title="far away", fetched_at=DAY + 13 * HOUR),
    article("quai", 7, "fr", title="quai sud", fetched_at=DAY + 15 * HOUR),
]
BY_NAME = {each.title: each for each in ARTICLES}
TODAY = [each for each in ARTICLES if each.published_at and each.published_at.date() == date(2026, 3, 1)]
ENGLISH = sorted(
    (each for each in TODAY if each.edition == "en"), key=lambda each: str(each.published_at), reverse=True
)


async def fill(uri: str) -> None:
    async with await Store.open(uri, DATABASE) as store:
        for seen in (*ARTICLES, *EDITS):
            await store.save([seen])
        await store.mark_gone([BY_NAME["end"].key], DAY + 14 * HOUR)


@pytest.fixture(scope="module")
def archive(mongo_uri: str) -> Iterator[Any]:
    asyncio.run(fill(mongo_uri))
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[DATABASE]
        client.drop_database(DATABASE)


def given() -> dict[str, Any]:
    """The names that the cookbook defines once, without its connection."""
    scope: dict[str, Any] = {}
    exec("\n".join(line for line in IN_PYTHON.splitlines() if not line.startswith(("import pymongo", "db = "))), scope)
    return scope


@pytest.fixture
def ask(archive: Any) -> Any:
    def run(name: str) -> list[dict[str, Any]]:
        return list(eval(QUERIES[name], given() | {"db": archive}))

    return run


def names(found: list[dict[str, Any]]) -> list[str]:
    return [each["title"] for each in found]


# ---- Answers ---------------------------------------------------------------------------------------------


def test_a_day_of_an_edition(ask: Any) -> None:
    found = ask("A day of an edition")
    assert [each["_id"] for each in found] == [each.key for each in ENGLISH]
    assert found[0].keys() == {"_id", "title", "published_at", "url"}


def test_by_tag(ask: Any) -> None:
    assert names(ask("By tag")) == ["a-harbour-opened", "a-harbour-opens", "port", "old", "yesterday"]


def test_most_related_to(ask: Any) -> None:
    links = Counter(each.title for english in ENGLISH for each in english.related)
    found = ask("Most related-to")
    assert {each["title"]: each["links"] for each in found} == links
    assert names(found)[0] in {"old", "far"}
    assert [each["links"] for each in found] == sorted(links.values(), reverse=True)


def test_what_changed_since_yesterday(ask: Any) -> None:
    found = {each["title"]: each for each in ask("What changed since yesterday")}
    assert found.keys() == {*BY_NAME, "far away", "quai sud"} - {"yesterday", "far", "quai"}
    told = {name: (each["revision"], each.get("changed")) for name, each in found.items()}
    assert told["far away"] == told["quai sud"] == (2, ["title"])
    assert told["end"] == (2, ["status"])
    assert told["port"] == (1, None)


def test_the_story_around_an_article(ask: Any) -> None:
    assert names(ask("The story around an article")) == ["a-harbour-opens", "a-harbour-opened"]


def test_the_graph_of_related_links(ask: Any) -> None:
    found = ask("The graph of related links")
    hops = {"old": 1, "far away": 1, "end": 2, "beyond": 3}
    assert {each["title"]: each["hops"] for each in found} == hops
    assert [each["hops"] for each in found] == sorted(hops.values())


def test_who_wrote(ask: Any) -> None:
    found = [(each["_id"], each["articles"]) for each in ask("Who wrote")]
    assert found == [("Ada Lamp", 3), ("Bo Reed", 1)]


def test_what_an_author_wrote(ask: Any) -> None:
    assert names(ask("What an author wrote")) == [
        "a-harbour-opened",
        "a-harbour-opens",
        "port",
        "far away",
        "yesterday",
    ]


def test_wire_share(ask: Any) -> None:
    found = {each["_id"]: each for each in ask("Wire share")}
    assert {edition: (each["wire"], each["articles"]) for edition, each in found.items()} == {
        "cn": (1, 1), "en": (3, 7), "fr": (1, 2),
    }  # fmt: skip
    assert set(found["en"]["agencies"]) == {"AFP", "Reuters"}
    assert found["fr"]["share"] == 0.5


def test_audio(ask: Any) -> None:
    assert [(each["title"], each["seconds"]) for each in ask("Audio")] == [("never", 0), ("old", 120)]


def test_publication_rhythm(ask: Any) -> None:
    found = {(each["_id"]["weekday"], each["_id"]["hour"]): each["articles"] for each in ask("Publication rhythm")}
    paris = [each.published_at.astimezone(UTC) + HOUR for each in ENGLISH if each.published_at]
    assert found == Counter((at.isoweekday(), at.hour) for at in paris)
    assert (1, 0) in found  # half past eleven in the evening of a Sunday is Monday in Paris


async def test_a_day_as_it_was_at_a_time(ask: Any, mongo_uri: str) -> None:
    found = {each["_id"]: each for each in ask("A day as it was at a time")}
    at = given()["at"].replace(tzinfo=UTC)
    async with await Store.open(mongo_uri, DATABASE) as store:
        then = {each.key: await store.as_of(each.key, at) for each in ENGLISH}
    assert found.keys() == {key for key, state in then.items() if state}
    assert BY_NAME["never"].key not in found
    assert found[BY_NAME["far"].key]["title"] == "far"
    assert found[BY_NAME["end"].key]["status"] == "full"
    for key, state in then.items():
        assert state is None or found[key].items() <= state.items()


def test_every_query_is_tested() -> None:
    tested = {name.removeprefix("test_").replace("_", " ") for name in globals() if name.startswith("test_")}
    assert {name.lower().replace("-", " ") for name in QUERIES} <= tested
    assert len(QUERIES) >= 10


# ---- Indexes ---------------------------------------------------------------------------------------------


class Recorder:
    """Stands for a database: gives back what is asked of a collection."""

    def __getattr__(self, name: str) -> Any:
        return type("Collection", (), {"aggregate": staticmethod(lambda pipeline: (name, pipeline))})


def asked(name: str) -> tuple[str, list[dict[str, Any]]]:
    collection, pipeline = eval(QUERIES[name], given() | {"db": Recorder()})
    return collection, pipeline


def stages(plan: Any) -> Iterator[dict[str, Any]]:
    """Every object of an explanation."""
    if isinstance(plan, dict):
        yield plan
        yield from stages(list(plan.values()))
    elif isinstance(plan, list):
        for each in plan:
            yield from stages(each)


@pytest.fixture(scope="module")
def grown(archive: Any) -> Any:
    """The archive among many other articles, so that a plan that reads too much shows."""
    sample = archive.articles.find_one({"title": "old"}) | {"related": [], "tags": ["x"], "authors": ["y"]}
    others = []
    for number in range(1000):
        key = f"{number:032x}"
        at = DAY + timedelta(days=1 + number % 50, hours=1)
        others.append({**sample, "_id": key, "story": key, "identity": f"en:{key}", "url": key, "published_at": at})
        others[-1] |= {"changed_at": DAY - HOUR, "audio": [] if number % 2 else sample["audio"]}
    archive.articles.insert_many(others)
    yield archive
    archive.articles.delete_many({"_id": {"$regex": "^0{29}"}})


def scans(archive: Any) -> int:
    """Whole collections that the server has read so far, those within a $lookup or $graphLookup included."""
    status = archive.client.admin.command("serverStatus")
    return int(status["metrics"]["queryExecutor"]["collectionScans"]["total"])


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_reads_much_more_than_it_tells(name: str, grown: Any) -> None:
    collection, pipeline = asked(name)
    plan = grown.command(
        "explain", {"aggregate": collection, "pipeline": pipeline, "cursor": {}}, verbosity="executionStats"
    )
    before = scans(grown)
    grown[collection].aggregate(pipeline).to_list()
    assert scans(grown) == before
    read = next(each for each in stages(plan) if "executionStages" in each)
    assert not [each for each in stages(plan) if each.get("stage") == "COLLSCAN" or each.get("collectionScans")]
    # Between the ranges of an index it takes a look at the next key.
    ranges = len(given()["editions"]) if name == "Wire share" else 1
    front = pipeline[:3] if pipeline[2:3] and "$limit" in pipeline[2] else pipeline[:1]
    wanted = len(grown[collection].aggregate(front).to_list())
    assert read["totalKeysExamined"] <= wanted + ranges
    looked_up = [each for each in stages(plan) if {"$lookup", "indexesUsed"} <= each.keys()]
    assert sum(int(each["totalDocsExamined"]) for each in looked_up) <= wanted


@pytest.mark.parametrize("name", ["Publication rhythm", "Wire share"])
def test_what_is_only_counted_is_told_by_the_index_alone(name: str, grown: Any) -> None:
    collection, pipeline = asked(name)
    plan = grown.command(
        "explain", {"aggregate": collection, "pipeline": pipeline, "cursor": {}}, verbosity="executionStats"
    )
    assert next(each for each in stages(plan) if "totalDocsExamined" in each)["totalDocsExamined"] == 0


def test_every_index_that_a_team_may_use_is_named() -> None:
    told = re.findall(r"^\| (\w+) \| `(\w+)` \| (.*?) \|", TEXT, re.MULTILINE)
    for collection in ("articles", "revisions", "runs"):
        expected = {index.document["name"]: dict(index.document["key"]) for index in INDEXES[collection]}
        fields = {name: text.split(", ") for each, name, text in told if each == collection}
        assert {
            name: {field.split(" (")[0]: -1 if "(falling)" in field else 1 for field in text}
            for name, text in fields.items()
        } == expected


# ---- mongosh ---------------------------------------------------------------------------------------------

SHELL = """
function ISODate(text) { return {"$date": new Date(text).toISOString()} }
function collection(name) { return {aggregate: function (pipeline) { return [name, pipeline] }} }
function sibling(name) { return {articles: collection("articles"), revisions: collection("revisions")} }
var db = {getSiblingDB: sibling};
"""


def plain(value: Any) -> Any:
    """A pipeline of Python in the form in which JavaScript gives its own."""
    return json.loads(json.dumps(value, default=lambda at: {"$date": f"{at:%Y-%m-%dT%H:%M:%S.000Z}"}))


@pytest.mark.parametrize("name", QUERIES)
def test_mongosh_runs_the_same_query(name: str) -> None:
    assert dukpy.evaljs(f"{SHELL}{IN_SHELL}{QUERIES[name]}") == plain(list(asked(name)))

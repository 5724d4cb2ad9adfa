"""Second URLs of one article, against a real MongoDB: aliases, and what becomes of them."""

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rfispider.items import Article, Origin, Outcome, Status
from rfispider.site import urls
from rfispider.storage import Store
from tests.support.answers import save_confirmed
from tests.support.articles import article_at

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW, CHANGED, SAME, DUPLICATE = Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.DUPLICATE

FIRST = "https://www.rfi.fr/fr/afrique/20260301-a-port-opens"
SECOND = "https://www.rfi.fr/fr/europe/20260301-a-port-opens"
THIRD = "https://www.rfi.fr/fr/a-port-opens"


def words(name: str, count: int = 60) -> str:
    """A text of its own: no other name has a word of it."""
    return " ".join(f"{name}{number}" for number in range(count))


def article(url: str = FIRST, text: str = words("port"), hours: float = 0, **values: Any) -> Article:
    return article_at(url, **({"title": "A port opens", "text": text, "fetched_at": T0 + hours * HOUR} | values))


def edited(text: str) -> str:
    return text + " and a word more"


async def documents(store: Store) -> list[dict[str, Any]]:
    return await store._collections["articles"].find().sort("first_seen_at").to_list()


async def only(store: Store) -> dict[str, Any]:
    (document,) = await documents(store)
    return document


async def test_the_same_content_under_a_second_url_is_an_alias(store: Store) -> None:
    assert await save_confirmed(store, [article()]) == [NEW]
    assert await save_confirmed(store, [article(SECOND, hours=1, sources=["https://www.rfi.fr/fr/rss"])]) == [DUPLICATE]
    document = await only(store)
    assert (document["url"], document["aliases"], document["revision"]) == (FIRST, [SECOND], 1)
    assert document["sources"] == ["https://www.rfi.fr/fr/rss"]
    assert document["last_seen_at"] == T0 + HOUR
    assert (await store.aliased(SECOND) or {})["_id"] == urls.key(FIRST)


async def test_copies_in_one_batch_are_one_article(store: Store) -> None:
    batch = [article(), article(SECOND), article(text=words("quay"), url=THIRD), article(SECOND, hours=1)]
    assert await save_confirmed(store, batch) == [NEW, DUPLICATE, NEW, DUPLICATE]
    assert len(await documents(store)) == 2


@pytest.mark.parametrize(
    ("second", "what"),
    [
        (article(SECOND, words("quay")), "another text under the same title"),
        (article("https://www.rfi.fr/en/africa/20260301-a-port-opens"), "the same text in another edition"),
        (article(SECOND, lead="A lead."), "another lead"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_it_is_an_article_of_its_own(store: Store, second: Article, what: str) -> None:
    await save_confirmed(store, [article()])
    assert await save_confirmed(store, [second]) == [NEW]


@pytest.mark.parametrize(("length", "outcome"), [(0, NEW), (10, NEW), (199, NEW), (200, DUPLICATE)])
async def test_short_texts_are_never_merged(store: Store, length: int, outcome: Outcome) -> None:
    text = words("port")[:length]
    await save_confirmed(store, [article(text=text)])
    assert await save_confirmed(store, [article(SECOND, text)]) == [outcome]


# ---- Visits after that -----------------------------------------------------------------------------------


async def test_an_alias_that_is_behind_undoes_no_edit(store: Store) -> None:
    await save_confirmed(store, [article(), article(SECOND)])
    await save_confirmed(store, [article(text=words("quay"), hours=1)])
    assert await save_confirmed(store, [article(SECOND, hours=2)]) == [DUPLICATE]
    document = await only(store)
    assert (document["revision"], document["text"]) == (2, words("quay"))


async def test_an_alias_that_is_ahead_makes_no_revision_and_no_article(store: Store) -> None:
    await save_confirmed(store, [article(), article(SECOND)])
    assert await save_confirmed(store, [article(SECOND, edited(words("port")), hours=1)]) == [DUPLICATE]
    assert await save_confirmed(store, [article(hours=2)]) == [SAME]
    assert (await only(store))["revision"] == 1
    assert await save_confirmed(store, [article(text=edited(words("port")), hours=3)]) == [CHANGED]
    assert await save_confirmed(store, [article(SECOND, edited(words("port")), hours=4)]) == [DUPLICATE]
    assert (await only(store))["revision"] == 2


@pytest.mark.parametrize("values", [{"status": Status.STUB, "text": ""}, {"text": "A wall.", "status": Status.SHORT}])
async def test_a_page_that_shows_next_to_nothing_leaves_an_alias_an_alias(store: Store, values: dict[str, Any]) -> None:
    await save_confirmed(store, [article(), article(SECOND)])
    assert await save_confirmed(store, [article(SECOND, hours=1, **values)]) == [DUPLICATE]
    assert len(await documents(store)) == 1


async def test_an_alias_that_gets_another_story_becomes_an_article(store: Store) -> None:
    await save_confirmed(store, [article(), article(SECOND)])
    assert await save_confirmed(store, [article(SECOND, words("quay"), hours=1)]) == [NEW]
    first, second = await documents(store)
    assert (first["url"], first["aliases"], second["url"]) == (FIRST, [], SECOND)
    assert await save_confirmed(store, [article(SECOND, words("quay"), hours=2), article(hours=2)]) == [SAME, SAME]


async def test_an_alias_shows_that_an_article_whose_page_is_gone_is_alive(store: Store) -> None:
    await save_confirmed(store, [article(), article(SECOND)])
    await store.mark_gone([urls.key(FIRST)], T0 + HOUR)
    await save_confirmed(store, [article(SECOND, hours=2)])
    document = await only(store)
    assert (document["status"], document["revision"], "gone_at" in document) == ("full", 3, False)


# ---- Two articles that become one ------------------------------------------------------------------------


async def test_an_article_that_turns_out_to_be_another_one_ends_as_its_alias(store: Store) -> None:
    await save_confirmed(store, [article(), article(SECOND, "", hours=1, status=Status.STUB)])
    assert await save_confirmed(store, [article(SECOND, hours=2)]) == [DUPLICATE]
    document = await only(store)
    assert (document["url"], document["aliases"], document["revision"]) == (FIRST, [SECOND], 1)
    (ended,) = await store.history(urls.key(SECOND))
    assert (ended["status"], ended["changed"], ended["revision"]) == ("stub", ["url"], 1)


async def test_of_two_that_become_one_the_elder_stays(store: Store) -> None:
    await save_confirmed(store, [article(text="", status=Status.STUB, aliases=[THIRD]), article(SECOND, hours=1)])
    assert await save_confirmed(store, [article(hours=2)]) == [CHANGED]
    document = await only(store)
    assert (document["url"], document["aliases"], document["revision"]) == (FIRST, [THIRD, SECOND], 2)
    assert len(await store.history(urls.key(SECOND))) == 1
    assert await save_confirmed(store, [article(SECOND, hours=3)]) == [DUPLICATE]


async def test_revisions_go_on_counting_when_an_alias_becomes_an_article_again(store: Store) -> None:
    await save_confirmed(store, [article(), article(SECOND, words("quay"))])
    await save_confirmed(store, [article(SECOND, hours=1)])
    await save_confirmed(store, [article(SECOND, words("crane"), hours=2)])
    assert [document["revision"] for document in await documents(store)] == [1, 2]
    await save_confirmed(store, [article(SECOND, words("ferry"), hours=3)])
    history = await store.history(urls.key(SECOND))
    assert [state["text"] for state in history] == [words("quay"), words("crane")]


async def test_stubs_of_two_urls_end_as_one_article_whoever_reads_them(store: Store) -> None:
    stubs = [article(url, "", status=Status.STUB, origin=Origin.FEED) for url in (FIRST, SECOND, THIRD)]
    assert await save_confirmed(store, stubs) == [NEW] * 3
    await asyncio.gather(*(save_confirmed(store, [article(url, hours=1)]) for url in (FIRST, SECOND, THIRD)))
    document = await only(store)
    assert {document["url"], *document["aliases"]} == {FIRST, SECOND, THIRD}


# ---- Evidence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "outcome"),
    [({"short_code": "AbC1"}, DUPLICATE), ({"aliases": [FIRST]}, DUPLICATE), ({"short_code": "AbC2"}, NEW)],
)
async def test_what_the_site_says_is_one_may_differ_by_an_edit(
    store: Store, values: dict[str, Any], outcome: Outcome
) -> None:
    await save_confirmed(store, [article(short_code="AbC1")])
    assert await save_confirmed(store, [article(SECOND, edited(words("port")), hours=1, **values)]) == [outcome]


@pytest.mark.parametrize("values", [{"short_code": "AbC1"}, {"aliases": [FIRST]}])
async def test_what_the_site_says_is_one_does_not_hide_another_text(store: Store, values: dict[str, Any]) -> None:
    await save_confirmed(store, [article(short_code="AbC1")])
    assert await save_confirmed(store, [article(SECOND, words("quay"), hours=1, **values)]) == [NEW]


async def test_what_leads_to_another_edition_is_an_article_of_its_own(store: Store) -> None:
    await save_confirmed(store, [article(short_code="AbC1")])
    other = "https://www.rfi.fr/en/africa/20260301-a-port-opens"
    assert await save_confirmed(store, [article(other, aliases=[FIRST], short_code="AbC1")]) == [NEW]


# ---- Many workers ----------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
sys.path[:0] = sys.argv[5:]
from tests.storage.test_aliases import store_copies
asyncio.run(store_copies(sys.argv[1], sys.argv[2], map(int, sys.argv[3].split(",")), int(sys.argv[4])))
"""


def copy_of(story: int, writer: int) -> Article:
    return article(f"https://www.rfi.fr/fr/section{writer}/20260301-story-{story}", words(f"story{story}of"))


async def store_copies(uri: str, database: str, writers: Iterable[int], stories: int) -> None:
    """What writers of one process do: each stores every story under a URL of its own."""

    async def write(opened: Store, writer: int) -> None:
        for start in range(0, stories, 20):
            await save_confirmed(opened, [copy_of(story, writer) for story in range(start, min(start + 20, stories))])

    async with await Store.open(uri, database) as opened:
        await asyncio.gather(*(write(opened, writer) for writer in writers))


async def test_writers_that_store_the_same_stories_at_once_make_one_document_each(
    store: Store, mongo_uri: str, database: str
) -> None:
    writers, stories, here = 8, 60, Path(__file__)
    command = [sys.executable, "-c", WRITER, mongo_uri, database]
    paths = [str(here.parents[2])]
    shares = [",".join(map(str, range(first, writers, 4))) for first in range(4)]
    processes = [await asyncio.create_subprocess_exec(*command, share, str(stories), *paths) for share in shares]
    assert [await asyncio.wait_for(process.wait(), 60) for process in processes] == [0, 0, 0, 0]
    found = await documents(store)
    assert len(found) == stories
    assert len({document["story"] for document in found}) == stories
    for document in found:
        story = int(document["url"].rpartition("-")[2])
        assert {document["url"], *document["aliases"]} == {copy_of(story, writer).url for writer in range(writers)}
        assert len(document["aliases"]) == writers - 1


async def test_a_copy_is_stored_even_when_its_original_is_merged_away_meanwhile(store: Store) -> None:
    batches = [[article(SECOND, hours=1)], [article(THIRD, hours=1)], [article(hours=1)]]
    await save_confirmed(
        store, [article(text=words("quay")), article(SECOND, hours=0.5), article(THIRD, words("crane"), 0.6)]
    )
    await asyncio.gather(*(save_confirmed(store, batch) for batch in batches))
    document = await only(store)
    assert {document["url"], *document["aliases"]} == {FIRST, SECOND, THIRD}


async def test_an_article_that_cannot_be_stored_is_no_reason_to_lose_its_copy(store: Store) -> None:
    broken = replace(article(), title="")
    assert await save_confirmed(store, [broken, article(SECOND)]) == [Outcome.FAILED, NEW]

"""What belongs together finds together, whoever stores it and in whatever order."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfispider.items import Article, Outcome, Status
from rfispider.site import urls
from rfispider.storage import Store
from rfispider.storage.policy import story_clusters
from tests.support.answers import save_confirmed
from tests.support.articles import article_at

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = "0123456789abcdef" * 2


# ---- Names -----------------------------------------------------------------------------------------------


def test_a_story_is_named_after_its_eldest_article() -> None:
    name = story_clusters.name(KEY, T0)
    assert len(name) == 32
    assert story_clusters.is_own(KEY, name)
    assert not story_clusters.is_own(KEY[::-1], name)
    assert name < story_clusters.name(KEY[::-1], T0 + HOUR)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], {}),
        ([("a", "a")], {}),
        ([("b", "a")], {"b": "a"}),
        ([("b", "c"), ("c", "a"), ("e", "d")], {"b": "a", "c": "a", "e": "d"}),
        ([("a", "b"), ("c", "d"), ("b", "d")], {"b": "a", "c": "a", "d": "a"}),
    ],
)
def test_the_least_name_holds_for_all_that_are_one(pairs: list[tuple[str, str]], expected: dict[str, str]) -> None:
    assert story_clusters.united(pairs) == expected


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))), st.randoms())
def test_the_order_of_what_is_found_does_not_count(pairs: list[tuple[str, str]], random: Any) -> None:
    shuffled = random.sample(pairs, len(pairs))
    united = story_clusters.united(pairs)
    assert united == story_clusters.united([(b, a) for a, b in shuffled])
    assert all(united.get(a, a) == united.get(b, b) for a, b in pairs)


# ---- In the archive --------------------------------------------------------------------------------------


def words(name: str, count: int = 80) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


LEFT, RIGHT = words("left"), words("right")
BRIDGE = [*LEFT[:50], *RIGHT[:50]]


def article(name: str, told: list[str], hours: float = 0, **values: Any) -> Article:
    at = T0 + hours * HOUR
    url = values.pop("url", f"https://www.rfi.fr/fr/afrique/20260301-{name}")
    return article_at(url, **({"title": name, "text": " ".join(told), "published_at": at, "fetched_at": at} | values))


async def told(store: Store) -> dict[str, str]:
    """Title -> story."""
    found = await store._collections["articles"].find().to_list()
    return {document["title"]: document["story"] for document in found}


async def test_a_rewrite_gets_the_story_of_the_first(store: Store) -> None:
    first = article("first", LEFT)
    await store.save([first])
    await store.save([article("second", [*LEFT[:50], *words("new", 30)], 2), article("other", RIGHT)])
    names = await told(store)
    assert names["first"] == names["second"] == story_clusters.name(first.key, T0)
    assert names["other"] != names["first"]


async def test_rewrites_in_one_batch_are_one_story(store: Store) -> None:
    await store.save([article(f"version {n}", [*LEFT[:60], *words(f"n{n}of", 20)], n) for n in range(5)])
    assert len(set((await told(store)).values())) == 1


@pytest.mark.parametrize(
    "second",
    [
        article("Title", RIGHT),
        article("later", LEFT, 24 * 40, content_hash="1:a"),
        article("other edition", LEFT, url="https://www.rfi.fr/en/africa/20260301-x", content_hash="1:a"),
        article("half of it", LEFT[:20]),
    ],
    ids=lambda each: each.title,
)
async def test_it_is_another_story(store: Store, second: Article) -> None:
    await store.save([article("first", LEFT, title="Title"), second])
    found = await store._collections["articles"].distinct("story")
    assert len(found) == 2


async def test_short_texts_have_a_story_of_their_own(store: Store) -> None:
    await store.save([article(f"bulletin {n}", ["01/03/2026"], n, status=Status.SHORT) for n in range(3)])
    assert len(set((await told(store)).values())) == 3


async def test_a_bridge_makes_two_stories_one_in_any_order(store: Store) -> None:
    for turn, order in enumerate(permutations(range(4))):
        left, right = words(f"left{turn}of"), words(f"right{turn}of")
        versions = [
            article(f"left {turn}", left, 0),
            article(f"left {turn} again", [*left[:60], *words("more", 20)], 1),
            article(f"right {turn}", right, 2),
            article(f"bridge {turn}", [*left[:50], *right[:50]], 3),
        ]
        for number in order:
            await store.save([versions[number]])
        names = await told(store)
        assert {names[version.title] for version in versions} == {story_clusters.name(versions[0].key, T0)}


async def test_an_edit_may_make_a_bridge(store: Store) -> None:
    await store.save([article("left", LEFT), article("right", RIGHT), article("third", words("third"))])
    assert len(set((await told(store)).values())) == 3
    await store.save([article("third", BRIDGE, fetched_at=T0 + HOUR)])
    assert len(set((await told(store)).values())) == 1


async def test_an_article_that_was_stored_but_never_linked_is_linked_when_it_is_seen_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: Any) -> None:
        raise KeyboardInterrupt

    await store.save([article("left", LEFT)])
    second = article("second", [*LEFT[:60], *words("more", 20)], 1)
    monkeypatch.setattr(store._writer._stories, "link", die)
    with pytest.raises(KeyboardInterrupt):
        await store.save([second])
    monkeypatch.undo()
    assert len(set((await told(store)).values())) == 2
    assert await store.save([second]) == [Outcome.SAME]
    assert len(set((await told(store)).values())) == 1


async def test_workers_that_store_versions_of_one_text_at_once_end_at_one_story(
    store: Store, mongo_uri: str, database: str
) -> None:
    others = [await Store.open(mongo_uri, database) for _ in range(5)]
    for turn in range(8):
        left, right = words(f"left{turn}of"), words(f"right{turn}of")
        texts = [
            left,
            [*left[:60], "x"],
            right,
            [*right[:60], "y"],
            [*left[:50], *right[:50]],
            [*right[9:], *left[:60]],
        ]
        batches = [[article(f"turn {turn} text {n}", each, n / 60)] for n, each in enumerate(texts)]
        await asyncio.gather(*(one.save(batch) for one, batch in zip([store, *others], batches, strict=True)))
    names = await told(store)
    for turn in range(8):
        assert len({name for title, name in names.items() if title.startswith(f"turn {turn} ")}) == 1
    assert len(set(names.values())) == 8
    for other in others:
        await other.close()


async def test_two_that_become_one_article_leave_the_stories_of_others_alone(store: Store) -> None:
    left, right = article("left", LEFT), article("right", RIGHT, 1)
    await store.save([left, article("left again", [*LEFT[:60], "x"], 2), right, article("near", [*RIGHT[:60], "y"], 3)])
    assert await save_confirmed(store, [article("right", LEFT, 1, fetched_at=T0 + 5 * HOUR)]) == [Outcome.DUPLICATE]
    stories = {story_clusters.name(left.key, T0), story_clusters.name(right.key, right.fetched_at)}
    assert set((await told(store)).values()) == stories


# ---- Twins -----------------------------------------------------------------------------------------------

SIMPLIFIED = "https://www.rfi.fr/cn/中国/20260301-海港开放"
TRADITIONAL = "https://www.rfi.fr/tw/中國/20260301-海港開放"


def twin(url: str, **values: Any) -> Article:
    url = urls.canonical(url)
    return article("twin", LEFT, url=url, edition=urls.edition(url), **values)


@pytest.mark.parametrize("order", [(SIMPLIFIED, TRADITIONAL), (TRADITIONAL, SIMPLIFIED)])
@pytest.mark.parametrize("at_once", [False, True])
async def test_the_two_scripts_of_a_story_are_linked_and_stay_two_articles(
    store: Store, order: tuple[str, str], at_once: bool
) -> None:
    batches = [[twin(url) for url in order]] if at_once else [[twin(url)] for url in order]
    for batch in batches:
        assert await store.save(batch) == [Outcome.NEW] * len(batch)
    simplified, traditional = [await store.article(twin(url).key) or {} for url in (SIMPLIFIED, TRADITIONAL)]
    assert (simplified["twin"], traditional["twin"]) == (traditional["_id"], simplified["_id"])
    assert simplified["story"] != traditional["story"]


async def test_a_twin_is_found_under_an_alias(store: Store) -> None:
    other = twin("https://www.rfi.fr/cn/亚洲/20260301-别的")
    await save_confirmed(store, [other, twin(SIMPLIFIED)])
    await store.save([twin(TRADITIONAL)])
    traditional = await store.article(twin(TRADITIONAL).key)
    assert (traditional or {})["twin"] == other.key
    assert (await store.article(other.key) or {})["twin"] == twin(TRADITIONAL).key

"""One answer is not the truth: what binds two articles is a claim, and every bond can be undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rfispider.items import Article, Origin, Outcome, Status
from rfispider.site import urls
from rfispider.storage import Store
from tests.support.articles import article_at

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEW, CHANGED, SAME, DUPLICATE = Outcome.NEW, Outcome.CHANGED, Outcome.SAME, Outcome.DUPLICATE
CLAIMED = Outcome.CLAIMED

X, Y, Z = (f"https://www.rfi.fr/fr/afrique/20260301-{name}" for name in ("harbour", "quay", "ferry"))


def words(name: str) -> str:
    return " ".join(f"{name}{number}" for number in range(60))


TEXTS = {X: words("harbour"), Y: words("quay"), Z: words("ferry")}


def seen(url: str, text: str | None = None, hours: float = 0, **values: Any) -> Article:
    """The page of a URL with its own text, or another."""
    content = {"title": "A title", "text": TEXTS[url] if text is None else text, "fetched_at": T0 + hours * HOUR}
    return article_at(url, **(content | values))


async def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    names = ("articles", "revisions", "aliases")
    return {name: await store._database[name].find().sort("_id").to_list() for name in names}


async def texts(store: Store) -> dict[str, str]:
    """URL -> text, as the README's query finds it; all URLs that are stored."""
    found = {}
    for url in TEXTS:
        query = {"$or": [{"_id": urls.key(url)}, {"aliases": url}]}
        for document in await store._database["articles"].find(query).to_list():
            assert url not in found
            found[url] = document["text"]
    return found


async def history(store: Store, url: str) -> list[tuple[int, str]]:
    """Revision and text of every state under the key of a URL, the present one last."""
    states = await store.history(urls.key(url))
    present = await store.article(urls.key(url))
    return [(state["revision"], state["text"]) for state in [*states, *([present] if present else [])]]


@pytest.fixture
async def three(store: Store) -> Store:
    """An archive of three articles."""
    assert await store.save([seen(url) for url in TEXTS]) == [NEW] * 3
    return store


async def twice(store: Store, article: Article) -> list[Outcome]:
    """Save an article, and an hour later what a second answer says."""
    later = replace(article, fetched_at=article.fetched_at + HOUR / 4, confirmed=True)
    return [*await store.save([article]), *await store.save([later])]


# ---- A claim changes nothing -----------------------------------------------------------------------------

WRONG = {
    "the text of another": seen(X, TEXTS[Y], hours=1),
    "a redirect to another": seen(Y, hours=1, aliases=[X]),
    "a URL that is new, with the text of another": seen("https://www.rfi.fr/fr/europe/20260301-new", TEXTS[Y], hours=1),
    "most of the text of another, which it names as canonical": seen(
        X, TEXTS[Y] + " and more", hours=1, aliases=[Y], canonical=Y
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_single_answer_binds_nothing(three: Store, wrong: Article) -> None:
    if wrong.canonical:
        await three.save([replace(wrong, aliases=[], canonical=None, fetched_at=T0 + HOUR / 2)])
    before = await everything(three)
    assert await three.save([wrong]) == [CLAIMED]
    assert await everything(three) == before


async def test_a_false_canonical_of_another_text_binds_nothing_and_hides_no_edit(three: Store) -> None:
    edited = TEXTS[X] + " and more"
    article = seen(X, edited, hours=1, aliases=[Y], canonical=Y)
    assert await twice(three, article) == [CHANGED, SAME]
    assert await texts(three) == TEXTS | {X: edited}


async def test_an_article_is_taken_at_once_though_its_page_names_another(three: Store) -> None:
    new = "https://www.rfi.fr/fr/europe/20260301-new"
    assert await three.save([seen(new, words("new"), aliases=[X])]) == [NEW]
    assert await texts(three) == TEXTS


async def test_what_an_archive_holds_binds_at_once_since_there_is_no_second_answer(three: Store) -> None:
    other = "https://www.rfi.fr/fr/europe/20260301-new"
    assert await three.save([seen(other, TEXTS[Y], origin=Origin.ARCHIVE)]) == [DUPLICATE]


async def test_pages_that_are_read_again_bind_nothing(three: Store) -> None:
    article = seen(X, TEXTS[Y])
    assert await three.save_reread([article], T0 + HOUR) == [CLAIMED]
    assert await texts(three) == TEXTS


# ---- A bond, and how it is undone ------------------------------------------------------------------------


async def test_a_confirmed_bond_keeps_what_each_url_said(three: Store) -> None:
    assert await twice(three, seen(X, TEXTS[Y], hours=1, title="Another title")) == [CLAIMED, DUPLICATE]
    assert await texts(three) == TEXTS | {X: TEXTS[Y]}
    alias = await three._database["aliases"].find_one({"_id": urls.key(X)}) or {}
    assert (alias["url"], alias["article"], alias["why"]) == (X, urls.key(Y), "content")
    assert (alias["first_seen_at"], alias["last_seen_at"]) == (T0, T0 + 1.25 * HOUR)
    assert await history(three, X) == [(1, TEXTS[X])]


async def test_a_url_that_showed_the_text_of_another_is_itself_again_with_its_history(three: Store) -> None:
    edited = TEXTS[X] + " and more"
    await three.save([seen(X, edited, hours=0.5)])
    before = await everything(three)
    await twice(three, seen(X, TEXTS[Y], hours=1))
    assert await three.save([seen(X, edited, hours=2)]) == [NEW]
    assert await texts(three) == TEXTS | {X: edited}
    assert await history(three, X) == [(1, TEXTS[X]), (2, edited)]
    assert await history(three, Y) == [(1, TEXTS[Y])]
    after = await everything(three)
    assert after["aliases"] == []
    assert after["revisions"] == before["revisions"]
    assert await three.save([seen(X, edited, hours=3), seen(Y, hours=3)]) == [SAME, SAME]


async def test_an_alias_that_shows_a_text_of_its_own_goes_on_with_its_history(three: Store) -> None:
    await twice(three, seen(X, TEXTS[Y], hours=1))
    assert await three.save([seen(X, words("later"), hours=2)]) == [NEW]
    assert await history(three, X) == [(1, TEXTS[X]), (2, words("later"))]
    first, _ = await three.history(urls.key(X)), None
    assert (first[0]["changed"], first[0]["valid_to"]) == (["text"], T0 + 2 * HOUR)


async def test_a_text_that_was_always_close_to_that_of_another_is_its_own_again(three: Store) -> None:
    close = TEXTS[Y] + " and a last sentence"
    await three.save([seen(X, close, hours=0.5)])
    await twice(three, seen(X, TEXTS[Y], hours=1))
    assert await three.save([seen(X, close, hours=2)]) == [NEW]
    assert await texts(three) == TEXTS | {X: close}


async def test_a_false_redirect_is_undone(three: Store) -> None:
    assert await twice(three, seen(Y, hours=1, aliases=[X])) == [CLAIMED, DUPLICATE]
    assert await texts(three) == TEXTS | {X: TEXTS[Y]}
    alias = await three._database["aliases"].find_one({"_id": urls.key(X)}) or {}
    assert alias["why"] == "redirect"
    assert await three.save([seen(X, hours=2)]) == [NEW]
    assert await texts(three) == TEXTS
    assert await history(three, X) == [(1, TEXTS[X])]


async def test_what_followed_an_article_into_a_bond_follows_it_out(three: Store) -> None:
    await twice(three, seen(Z, TEXTS[X], hours=1))
    await twice(three, seen(X, TEXTS[Y], hours=2))
    assert await texts(three) == dict.fromkeys(TEXTS, TEXTS[Y])
    await three.save([seen(X, hours=3)])
    assert await texts(three) == TEXTS | {Z: TEXTS[X]}
    await three.save([seen(Z, hours=4)])
    assert await texts(three) == TEXTS


@pytest.mark.parametrize("order", ["XYXY", "XXYY", "YYXX", "XYYX"])
async def test_two_articles_that_swap_their_texts_stay_two(three: Store, order: str) -> None:
    swapped = {"X": (X, TEXTS[Y]), "Y": (Y, TEXTS[X])}
    claimed: set[str] = set()
    hours = 1.0
    for name in [*order, *"XYXYXY"]:
        url, text = swapped[name]
        hours += 1
        (outcome,) = await three.save([seen(url, text, hours, confirmed=name in claimed)])
        claimed = claimed | {name} if outcome is CLAIMED else claimed - {name}
    assert await texts(three) == TEXTS | {X: TEXTS[Y], Y: TEXTS[X]}
    assert await history(three, X) == [(1, TEXTS[X]), (2, TEXTS[Y])]
    assert await history(three, Y) == [(1, TEXTS[Y]), (2, TEXTS[X])]


async def test_a_copy_that_was_taken_for_a_swap_becomes_an_alias_after_all(three: Store) -> None:
    other = "https://www.rfi.fr/fr/europe/20260301-copy"
    assert await three.save([seen(other, TEXTS[Y], hours=1)]) == [CLAIMED]
    assert await three.save([seen(Y, TEXTS[X], hours=1.1)]) == [CLAIMED]
    assert await three.save([seen(other, TEXTS[Y], hours=1.2, confirmed=True)]) == [NEW]
    assert await twice(three, seen(Y, hours=2)) == [CLAIMED, DUPLICATE]
    assert await texts(three) == TEXTS
    assert len(await three._database["articles"].find({"text": TEXTS[Y]}).to_list()) == 1


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("order", [(X, Y, Z), (Z, Y, X)])
async def test_after_a_notice_on_all_urls_there_are_three_articles_again(
    three: Store, times: int, order: tuple[str, ...]
) -> None:
    notice = words("maintenance")
    for turn in range(1, times + 1):
        await three.save([seen(url, notice, turn, confirmed=turn > 1) for url in TEXTS])
    await three.save([seen(url, hours=9) for url in order])
    assert await texts(three) == TEXTS
    for url, text in TEXTS.items():
        right = [state for _, state in await history(three, url) if state == text]
        assert len(right) <= 2
        assert {state for _, state in await history(three, url)} <= {text, notice}


async def test_the_text_of_a_page_that_is_gone_belongs_to_the_page_that_shows_it(three: Store) -> None:
    await three.mark_gone([urls.key(Y)], T0 + HOUR)
    assert await three.save([seen(X, TEXTS[Y], hours=2)]) == [CHANGED]
    other = "https://www.rfi.fr/fr/europe/20260301-new"
    await three.mark_gone([urls.key(Z)], T0 + HOUR)
    assert await three.save([seen(other, TEXTS[Z], hours=2)]) == [NEW]
    statuses = {each["url"]: each["status"] async for each in three._database["articles"].find()}
    assert statuses == {X: "full", Y: "gone", Z: "gone", other: "full"}
    assert await twice(three, seen(Y, words("back"), hours=3)) == [CHANGED, SAME]


# ---- What is out of date ---------------------------------------------------------------------------------


async def test_an_answer_to_an_earlier_request_replaces_nothing(three: Store) -> None:
    await three.save([seen(X, words("later"), hours=2, tags=["Trade"], agency=None)])
    old = seen(X, TEXTS[X], hours=1, tags=["Ports"], agency="The agency that was dropped")
    assert await three.save([old]) == [SAME]
    document = await three.article(urls.key(X)) or {}
    assert (document["text"], document["tags"], document.get("agency")) == (words("later"), ["Trade"], None)


async def test_an_answer_to_an_earlier_request_undoes_no_bond(three: Store) -> None:
    await twice(three, seen(X, TEXTS[Y], hours=2))
    assert await three.save([seen(X, hours=1)]) == [DUPLICATE]
    assert await texts(three) == TEXTS | {X: TEXTS[Y]}


async def test_of_two_answers_that_are_stored_at_once_that_to_the_later_request_holds(three: Store) -> None:
    texts_ = [TEXTS[X] + f" at {hour}" for hour in range(8)]
    for hour in (3, 1, 7, 5):
        await three.save([seen(X, texts_[hour], hours=hour)])
    assert (await three.article(urls.key(X)) or {})["text"] == texts_[7]


async def test_a_time_that_the_server_has_not_reached_orders_nothing(three: Store) -> None:
    """As a worker whose clock was a day ahead stored it."""
    ahead = datetime.now(UTC) + timedelta(days=1)
    now = datetime.now(UTC) - timedelta(minutes=1)
    await three.save([seen(X, words("ahead"), fetched_at=ahead)])
    assert await three.save([seen(X, words("edited"), fetched_at=now)]) == [CHANGED]
    assert (await three.article(urls.key(X)) or {})["fetched_at"] < ahead - timedelta(hours=20)
    await three.mark_gone([urls.key(X)], ahead)
    assert await three.save([seen(X, words("edited"), fetched_at=now + timedelta(seconds=1))]) == [CHANGED]
    assert (await three.article(urls.key(X)) or {})["status"] == Status.FULL
    await three.save([seen(Y, words("ahead"), fetched_at=ahead)])
    assert await three.mark_gone([urls.key(Y)], now) == [urls.key(Y)]


async def test_a_text_that_was_given_to_another_url_is_theirs_together_when_both_show_it(three: Store) -> None:
    pier = "https://www.rfi.fr/fr/afrique/20260301-pier"
    assert await three.save([seen(X, TEXTS[Y], hours=1)]) == [CLAIMED]
    assert await twice(three, seen(pier, TEXTS[X], hours=2)) == [CLAIMED, NEW]
    assert await twice(three, seen(X, hours=3)) == [CLAIMED, DUPLICATE]
    assert (await three.article(urls.key(pier)) or {})["aliases"] == [X]
    assert await three.article(urls.key(X)) is None


async def test_whoever_is_late_and_dies_leaves_no_hole_in_a_history(
    three: Store, mongo_uri: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await Store.open(mongo_uri, database) as late:
        plan = late._writer._planner.plan

        async def overtaken(*arguments: Any) -> Any:
            plans = await plan(*arguments)
            assert await three.save([seen(X, words("edited"), hours=2)]) == [CHANGED]
            return plans

        async def killed(*_: Any) -> None:
            raise RuntimeError("killed")

        monkeypatch.setattr(late._writer._planner, "plan", overtaken)
        monkeypatch.setattr(late._writer, "_note_result", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await late.save([seen(X, words("edited"), hours=1)])
    (superseded,) = await three.history(urls.key(X))
    assert superseded["valid_to"] == (await three.article(urls.key(X)) or {})["changed_at"]


async def test_a_state_that_another_worker_saw_again_is_not_superseded(
    three: Store, mongo_uri: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await Store.open(mongo_uri, database) as late:
        supersede = late._writer._revisions.supersede

        async def overtaken(*arguments: Any) -> None:
            await supersede(*arguments)
            monkeypatch.undo()
            assert await three.save([seen(X, hours=2)]) == [SAME]

        monkeypatch.setattr(late._writer._revisions, "supersede", overtaken)
        assert await late.save([seen(X, words("edited"), hours=1)]) == [SAME]
    assert await history(three, X) == [(1, TEXTS[X])]

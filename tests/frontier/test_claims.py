"""An answer that would bind or lose something waits for a second one: what the frontier decides and keeps of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rfispider.frontier import Completion, Frontier, Lease, Validators
from rfispider.frontier.policy.claims import CLAIM_AGAIN_S, LONGEST_CLAIM_WAIT_S, again_in_s, agrees, claimed
from rfispider.frontier.policy.priorities import LOOK_AGAIN
from rfispider.frontier.policy.revisit import State
from rfispider.items import Claim, Entry, Kind, Link, Outcome

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LINK = Link(url="https://www.rfi.fr/cn/politics/20260301-story", kind=Kind.ARTICLE, edition="cn")
ETAG = Validators(etag="a", last_modified="b", body_hash="c")
CLAIM = Claim(evidence="not-article", at=NOW)


# ---- Decisions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "evidence", "after_s", "confirmed"),
    [
        (CLAIM, "not-article", CLAIM_AGAIN_S, True),
        (CLAIM, "not-article", CLAIM_AGAIN_S / 2, True),
        (CLAIM, "not-article", CLAIM_AGAIN_S / 2 - 1, False),
        (CLAIM, "not-article", -1, False),
        (CLAIM, "alias:4f1a", CLAIM_AGAIN_S, False),
        (None, "not-article", CLAIM_AGAIN_S, False),
    ],
)
def test_an_answer_confirms_a_claim_if_it_says_the_same_late_enough(
    before: Claim | None, evidence: str, after_s: float, confirmed: bool
) -> None:
    assert agrees(before, evidence, NOW + timedelta(seconds=after_s)) is confirmed


def test_a_claim_that_is_repeated_too_soon_is_as_old_as_it_was() -> None:
    assert claimed(CLAIM, "not-article", NOW + timedelta(seconds=30)) == CLAIM


def test_answers_that_contradict_each_other_are_asked_for_ever_more_seldom_but_once_a_day() -> None:
    claim, waits_s = claimed(None, "0", NOW), []
    for number in range(1, 12):
        waits_s.append(again_in_s(claim))
        claim = claimed(claim, str(number), NOW)
    assert waits_s[:4] == [600, 1200, 2400, 4800]
    assert waits_s[-1] == again_in_s(Claim(evidence="x", at=NOW, changes=10**6)) == LONGEST_CLAIM_WAIT_S == 86400


# ---- The frontier -------------------------------------------------------------------------------------------


@pytest.fixture
async def frontier(mongo_uri: str, database: str) -> AsyncIterator[Frontier]:
    async with await Frontier.open(mongo_uri, database, worker="one") as opened:
        yield opened


async def visit(
    frontier: Frontier, outcome: Outcome, *, claim: str | None = None, validators: Validators | None = None
) -> Lease:
    """One visit with this outcome; gives its lease."""
    await frontier._urls.update_many({}, {"$set": {"due_at": LONG_AGO}})
    (lease,) = await frontier.claim(1, ["cn"])
    completion = Completion(
        lease=lease, outcome=outcome, status=200, claim=claim, validators=validators, published_at=NOW
    )
    assert await frontier.acknowledge([completion]) == []
    return lease


async def stored(frontier: Frontier) -> dict[str, Any]:
    document = await frontier.statistics.find(LINK.url)
    assert document
    return document


async def test_a_claim_is_kept_with_its_url_which_is_due_again_soon_and_whole(frontier: Frontier) -> None:
    await frontier.add([LINK])
    await visit(frontier, Outcome.NEW, validators=ETAG)
    lease = await visit(frontier, Outcome.CLAIMED, claim="$not-article", validators=ETAG)
    assert (lease.claim, lease.validators) == (None, ETAG)
    document = await stored(frontier)
    assert document["last"]["outcome"] == "page/claimed"
    assert document["claim"] == {"evidence": "$not-article", "at": document["last"]["at"], "changes": 0}
    assert (document["state"], document["priority"]) == (State.DUE, LOOK_AGAIN)
    assert document["due_at"] - document["last"]["at"] == timedelta(seconds=CLAIM_AGAIN_S)
    lease = await visit(frontier, Outcome.SAME, validators=ETAG)
    assert lease.claim == Claim(evidence="$not-article", at=document["claim"]["at"])
    assert lease.validators == Validators()


async def test_an_answer_that_only_claims_teaches_nothing(frontier: Frontier) -> None:
    entry = Entry(url=LINK.url, title="A title")
    await frontier.add([Link(url=LINK.url, kind=LINK.kind, edition="cn", entry=entry)])
    await visit(frontier, Outcome.CLAIMED, claim="alias:4f1a", validators=ETAG)
    document = await stored(frontier)
    assert document["entry"] == {"title": "A title"}
    assert not {"published_at", "etag", "last_modified", "body_hash"} & document.keys()


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.CLAIMED])
async def test_any_other_outcome_ends_a_claim(frontier: Frontier, outcome: Outcome) -> None:
    await frontier.add([LINK])
    await visit(frontier, Outcome.CLAIMED, claim="not-article")
    await visit(frontier, outcome)
    assert "claim" not in await stored(frontier)


async def test_a_claim_keeps_its_age_while_it_is_repeated_and_loses_it_when_it_changes(frontier: Frontier) -> None:
    await frontier.add([LINK])
    await visit(frontier, Outcome.CLAIMED, claim="not-article")
    first = (await stored(frontier))["claim"]
    await visit(frontier, Outcome.CLAIMED, claim="not-article")
    assert (await stored(frontier))["claim"] == first
    await visit(frontier, Outcome.CLAIMED, claim="redirect:0123")
    document = await stored(frontier)
    assert document["claim"] == {"evidence": "redirect:0123", "at": document["last"]["at"], "changes": 1}
    assert document["due_at"] - document["last"]["at"] == timedelta(seconds=2 * CLAIM_AGAIN_S)


async def test_a_page_that_is_no_article_for_good_is_read_again_when_a_source_tells_of_a_later_change(
    frontier: Frontier,
) -> None:
    await frontier.add([LINK])
    await visit(frontier, Outcome.CLAIMED, claim="not-article")
    await visit(frontier, Outcome.NOT_ARTICLE)
    assert (await stored(frontier))["due_at"] is None
    for change, state in ((LONG_AGO, State.DONE), (frontier.now() + timedelta(seconds=5), State.DUE)):
        await frontier.add([listed(change)])
        assert (await stored(frontier))["state"] == state


async def test_a_page_whose_claim_waits_is_read_at_once_when_a_source_tells_of_a_later_change(
    frontier: Frontier,
) -> None:
    await frontier.add([LINK])
    await visit(frontier, Outcome.CLAIMED, claim="not-article")
    await frontier.add([listed(LONG_AGO)])
    assert await frontier.claim(1, ["cn"]) == []
    await frontier.add([listed(frontier.now() + timedelta(seconds=5))])
    assert len(await frontier.claim(1, ["cn"])) == 1


def listed(change: datetime) -> Link:
    """The link, as a source lists it that tells of this change."""
    entry = Entry(url=LINK.url, modified_at=change)
    return Link(url=LINK.url, kind=LINK.kind, edition="cn", entry=entry)


async def test_a_visit_whose_lease_was_lost_leaves_no_trace_and_no_validators(
    mongo_uri: str, database: str, frontier: Frontier
) -> None:
    await frontier.add([LINK])
    (frozen,) = await frontier.claim(1, ["cn"])
    await frontier._urls.update_many({}, {"$set": {"due_at": LONG_AGO}})
    async with await Frontier.open(mongo_uri, database, worker="two") as successor:
        (lease,) = await successor.claim(1, ["cn"])
        assert await successor.acknowledge([Completion(lease=lease, outcome=Outcome.NEW, validators=ETAG)]) == []
        before = await stored(frontier)
        late = Validators(etag="of an older state", body_hash="d")
        for outcome in Outcome:
            completion = Completion(
                lease=frozen, outcome=outcome, validators=late, published_at=NOW, claim="x", followed=True
            )
            assert await frontier.acknowledge([completion]) == [frozen]
        assert await stored(frontier) == before

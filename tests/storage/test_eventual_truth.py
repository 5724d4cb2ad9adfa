"""Whatever the site showed in between: once it is well again and was looked at, the archive equals the site."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby, pairwise
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from rfispider.items import Article, Kind, Outcome
from rfispider.site import urls
from rfispider.storage import Store
from rfispider.text import content_hash

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
URLS = range(4)
Result = TypeVar("Result")

STORED = {Outcome.NEW, Outcome.CHANGED, Outcome.SAME}

EXAMPLES = count()
"""Every example has URLs and words of its own, so that they can share a database."""


@dataclass(frozen=True)
class Answer:
    """What a request brought: the article that was seen, or None when the page was gone."""

    number: int
    """Of the URL that was asked for."""
    sent_at: datetime
    seen: Article | None


class Site(RuleBasedStateMachine):
    """A site that errs, and a crawl that asks every claim again."""

    store: ClassVar[Store]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.name = f"w{next(EXAMPLES)}x"
        self.now = T0
        self.texts = [self.text(number) for number in URLS]
        self.versions = [[text] for text in self.texts]
        """Every text that each URL has truly had, in order."""
        self.stored: list[set[str]] = [set() for _ in URLS]
        """Those of them that were stored as its own."""
        self.latest = [T0 for _ in URLS]
        self.shown: list[set[str]] = [set() for _ in URLS]
        """Every text that each URL ever showed."""
        self.faults: dict[int, tuple[str, int]] = {}
        self.late: list[Answer] = []
        self.claims: dict[int, tuple[Any, datetime]] = {}
        self.editions = count(10)

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(coroutine)

    def text(self, number: int) -> str:
        return " ".join(f"{self.name}{number}y{place}" for place in range(40))

    def change(self, number: int, text: str) -> None:
        if text not in self.versions[number]:
            self.texts[number] = text
            self.versions[number].append(text)

    def url(self, number: int) -> str:
        return f"https://www.rfi.fr/fr/afrique/20260301-{self.name}-{number}"

    # ---- The site ----------------------------------------------------------------------------------------

    @rule(number=st.sampled_from(URLS))
    def edit(self, number: int) -> None:
        self.change(number, self.text(next(self.editions)))

    @rule(number=st.sampled_from(URLS))
    def amend(self, number: int) -> None:
        self.change(number, f"{self.texts[number]} {self.name}more{next(self.editions)}")

    @rule(number=st.sampled_from(URLS), other=st.sampled_from(URLS))
    def rewrite(self, number: int, other: int) -> None:
        """An article that has most of the text of another, as versions of one wire story have."""
        self.change(number, f"{self.texts[other]} {self.name}rewritten{next(self.editions)}")

    @rule(number=st.sampled_from(URLS), other=st.sampled_from(URLS))
    def copy(self, number: int, other: int) -> None:
        """From now on two URLs are one article."""
        self.change(number, self.texts[other])

    @rule(
        number=st.sampled_from(URLS),
        other=st.sampled_from(URLS),
        fault=st.sampled_from(["shows", "redirect", "canonical", "wall", "gone"]),
    )
    def err(self, number: int, other: int, fault: str) -> None:
        self.faults[number] = fault, other

    @rule(one=st.sampled_from(URLS), other=st.sampled_from(URLS))
    def swap(self, one: int, other: int) -> None:
        self.faults |= {one: ("shows", other), other: ("shows", one)}

    @rule()
    def wall(self) -> None:
        self.faults |= dict.fromkeys(URLS, ("wall", 0))

    @rule(number=st.sampled_from(URLS))
    def heal(self, number: int) -> None:
        self.faults.pop(number, None)

    def answer(self, number: int) -> Answer:
        """What the site answers to a request that is sent now."""
        self.now += timedelta(minutes=1)
        fault, other = self.faults.get(number, ("", number))
        if fault == "gone":
            return Answer(number, self.now, None)
        text = {"": self.texts[number], "canonical": self.texts[number], "wall": self.text(999)}.get(
            fault, self.texts[other]
        )
        self.shown[number].add(text)
        led_to = other if fault == "redirect" else number
        self.shown[led_to].add(text)
        aliases = [self.url(number)] if led_to != number else []
        canonical = self.url(other) if fault == "canonical" and other != number else None
        seen = Article(
            key=urls.key(self.url(led_to)),
            url=self.url(led_to),
            edition="fr",
            language="fr",
            kind=Kind.ARTICLE,
            title="A title",
            text=text,
            content_hash=content_hash(None, text),
            published_at=T0,
            fetched_at=self.now,
            aliases=[*aliases, canonical] if canonical else aliases,
            canonical=canonical,
        )
        return Answer(number, self.now, seen)

    # ---- The crawl ---------------------------------------------------------------------------------------

    @rule(number=st.sampled_from(URLS))
    def visit(self, number: int) -> None:
        self.receive(self.answer(number))

    @rule(numbers=st.lists(st.sampled_from(URLS), min_size=2, max_size=4, unique=True))
    def visit_together(self, numbers: list[int]) -> None:
        answers = [self.confirmed(self.answer(number)) for number in numbers]
        seen = [answer for answer in answers if answer.seen]
        outcomes = self.run(self.store.save([answer.seen for answer in seen if answer.seen]))
        for answer, outcome in zip(seen, outcomes, strict=True):
            self.note(answer, outcome)

    @rule(number=st.sampled_from(URLS))
    def send(self, number: int) -> None:
        """An answer that a frozen worker holds back."""
        self.late.append(self.answer(number))

    @rule()
    def deliver(self) -> None:
        if self.late:
            self.receive(self.late.pop())

    def receive(self, answer: Answer) -> Outcome:
        answer = self.confirmed(answer)
        if answer.seen is None:
            self.run(self.store.mark_gone([urls.key(self.url(answer.number))], answer.sent_at))
            return Outcome.GONE
        (outcome,) = self.run(self.store.save([answer.seen]))
        self.note(answer, outcome)
        return outcome

    def confirmed(self, answer: Answer) -> Answer:
        evidence, at = self.claims.get(answer.number, (None, T0))
        if answer.seen and evidence == _evidence(answer.seen) and answer.sent_at > at:
            return replace(answer, seen=replace(answer.seen, confirmed=True))
        return answer

    def note(self, answer: Answer, outcome: Outcome) -> None:
        assert outcome is not Outcome.FAILED
        number = answer.number
        is_own = answer.seen and answer.seen.url == self.url(number) and number not in self.faults
        if is_own and answer.seen and outcome in STORED and answer.sent_at >= self.latest[number]:
            self.stored[number].add(answer.seen.text)
        self.latest[number] = max(self.latest[number], answer.sent_at)
        self.claims.pop(answer.number, None)
        if outcome is Outcome.CLAIMED and answer.seen:
            assert not answer.seen.confirmed
            self.claims[answer.number] = _evidence(answer.seen), answer.sent_at

    # ---- The archive -------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        for number in URLS:
            self.visit(number)

    @invariant()
    def no_url_is_two_things(self) -> None:
        for number in URLS:
            found = self.run(_by_any_url(self.store, self.url(number)))
            assert len(found) <= 1, (number, [each["url"] for each in found])
        self.run(_check_aliases(self.store, [self.url(number) for number in URLS]))

    @invariant()
    def histories_have_no_hole_and_nothing_of_others(self) -> None:
        for number in URLS:
            key = urls.key(self.url(number))
            states = self.run(self.store.history(key))
            document = self.run(self.store.article(key))
            present = [document] if document else []
            numbers = [state["revision"] for state in (*states, *present)]
            assert numbers == list(range(1, len(numbers) + 1)), number
            texts = [state["text"] for state in (*states, *present)]
            assert self.shown[number].issuperset(texts), number
            assert self.stored[number].issubset(texts), number
            right = [self.versions[number].index(text) for text in texts if text in self.versions[number]]
            assert [place for place, _ in groupby(right)] == sorted(set(right)), number
            for one, next_one in pairwise((*states, *present)):
                assert (one["text"], one["status"]) != (next_one["text"], next_one["status"])

    def teardown(self) -> None:
        self.faults.clear()
        while self.late:
            self.deliver()
        for _ in range(2):
            claimed = [number for number in URLS if self.receive(self.answer(number)) is Outcome.CLAIMED]
            for number in claimed:
                self.receive(self.answer(number))
        for number in URLS:
            (document,) = self.run(_by_any_url(self.store, self.url(number)))
            assert document["text"] == self.texts[number], number
            assert document["status"] == "full"
        self.no_url_is_two_things()
        self.histories_have_no_hole_and_nothing_of_others()


def _evidence(seen: Article) -> tuple[Any, ...]:
    return seen.key, seen.content_hash, tuple(seen.aliases), seen.canonical


async def _by_any_url(store: Store, url: str) -> list[dict[str, Any]]:
    """The README's query."""
    query = {"$or": [{"_id": urls.key(url)}, {"aliases": url}]}
    return await store._database["articles"].find(query).to_list()


async def _check_aliases(store: Store, addresses: list[str]) -> None:
    """Every listed alias has its document, and every document is listed."""
    keys = [urls.key(url) for url in addresses]
    documents = {each["_id"]: each async for each in store._database["aliases"].find({"_id": {"$in": keys}})}
    articles = await store._database["articles"].find({"_id": {"$in": keys}}).to_list()
    assert documents.keys().isdisjoint(each["_id"] for each in articles)
    listed = {(urls.key(url), each["_id"]) for each in articles for url in each["aliases"]}
    assert {(each["_id"], each["article"]) for each in documents.values()} == listed


@pytest.fixture(scope="module")
def machine(mongo_uri: str) -> Iterator[type[Site]]:
    loop = asyncio.new_event_loop()
    Site.loop = loop
    Site.store = loop.run_until_complete(Store.open(mongo_uri, "eventual_truth"))
    yield Site
    loop.run_until_complete(Site.store.close())
    loop.close()


def test_whatever_a_site_shows_in_between_the_archive_equals_it_in_the_end(machine: type[Site]) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=checks),
    )

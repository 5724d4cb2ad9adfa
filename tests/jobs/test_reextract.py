"""`rfispider reextract`: what is read otherwise in the kept pages is shown, then stored, and nothing gets worse."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from typer.testing import CliRunner

from rfispider import extract, settings
from rfispider.cli import app, reextract
from rfispider.items import Article, Origin, Outcome, Rejection, Status
from rfispider.jobs import reextract as job
from rfispider.jobs.reextract import ReparseResult, ReparserPool, judged
from rfispider.storage import FetchedPage, KeptPage, Store
from rfispider.storage.policy.versioning import decide
from tests.support import misbehaving_parser
from tests.support.extract_pages import article_html, page, paragraphs

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = T0 + 1000 * HOUR
Document = dict[str, Any]


def seen(number: int, *, unread: bool = False, hours: int = 0, tail: str = "") -> Any:
    html = "<html><body><p>moved</p></body></html>" if unread else article_html(
        inside=paragraphs(f"<p>Boat number {number}.{tail}</p>"), title=f"Boat {number}"
    )  # fmt: skip
    url = f"https://www.rfi.fr/en/africa/20260301-boat-{number}"
    return page(html, url, fetched_at=T0 + hours * HOUR)


def read(number: int, **values: Any) -> Article:
    article = extract.article(seen(number))
    assert isinstance(article, Article)
    return replace(article, **values)


class Archive:
    """A database that an older extractor filled, and the command run on it."""

    def __init__(self, uri: str, database: str) -> None:
        self.uri, self.database = uri, database

    def fill(self, *articles: Article | None) -> None:
        """Store articles as an older extractor read the pages of their numbers from 1 on; None: it read none."""

        async def filled() -> None:
            async with await Store.open(self.uri, self.database) as store:
                for number, article in enumerate(articles, start=1):
                    if article:
                        (outcome,) = await store.save([article])
                        await store.keep([FetchedPage(page=seen(number), outcome=outcome, article=article)])
                    else:
                        sight = FetchedPage(page=seen(number), outcome=Outcome.FAILED, reason="no title")
                        await store.keep([sight])

        asyncio.run(filled())

    def refetch(self, number: int) -> None:
        """The page comes again, otherwise; it is not kept."""

        async def saved() -> None:
            async with await Store.open(self.uri, self.database) as store:
                article = extract.article(seen(number, hours=5, tail=" It sank."))
                assert isinstance(article, Article)
                await store.save([article])

        asyncio.run(saved())

    def run(self, *options: str, answer: str | None = None) -> Any:
        command = ["reextract", "--database", self.database, "--workers", "1", *options]
        return CliRunner().invoke(app, command, input=answer)

    def all(self, name: str) -> list[Document]:
        with MongoClient[Document](self.uri, tz_aware=True) as client:
            collection: Collection[Document] = client[self.database][name]
            return list(collection.find().sort("_id", 1))

    def articles(self) -> dict[str, Document]:
        return {document["url"][-1]: document for document in self.all("articles")}


class InThisProcess(ReparserPool):
    """Reads without a process of its own, for tests of something else: it takes a second to start one."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self, kept: Sequence[KeptPage], at: datetime) -> list[ReparseResult]:
        return [judged(each, job.read(each.raw), at) for each in kept]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "ReparserPool", InThisProcess)


@pytest.fixture
def archive(mongo_uri: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(settings, "MONGO_URI", mongo_uri)
    return Archive(mongo_uri, database)


OLD = {"rfispider": "0.0.9"}


def test_what_is_read_otherwise_is_shown_then_stored_and_the_next_time_there_is_nothing(archive: Archive) -> None:
    archive.fill(
        read(1, title="Boat", extractor=OLD), read(2, extractor=OLD), read(3, credits="x"), None, read(5), read(6)
    )
    archive.refetch(5)
    before = archive.articles()
    dry = archive.run("--dry-run")
    assert (dry.exit_code, archive.articles()) == (0, before), dry.output
    assert "- Boat\n" in dry.stdout
    assert "+ Boat 1\n" in dry.stdout
    told = " ".join(dry.stdout.split())
    assert "5 pages read, 1 change, 1 new article, 1 article without a kept page; nothing written" in told

    done = archive.run()
    assert done.exit_code == 0, done.output
    after = archive.articles()
    assert after["1"]["title"] == "Boat 1"
    assert after["1"]["revision"] == 2
    assert after["1"]["changed_at"] > before["1"]["changed_at"]
    assert after["1"]["fetched_at"] == before["1"]["fetched_at"]
    assert after["2"]["revision"] == 1
    assert after["2"]["extractor"] == read(2).extractor
    assert after["4"]["title"] == "Boat 4"
    assert {name: after[name] for name in "356"} == {name: before[name] for name in "356"}
    assert [each["changed"] for each in archive.all("revisions") if each["title"] == "Boat"] == [["title"]]
    assert [page["_id"] for page in archive.all("pages") if "outcome" in page] == []

    assert "5 pages read, 0 changes" in archive.run("--yes").stdout
    assert archive.articles() == after
    assert archive.all("positions") == []


def test_a_part_is_read_again_when_it_is_asked_for(archive: Archive, here: None) -> None:
    archive.fill(read(1, title="A", extractor=OLD), read(2, title="B", agency="AFP"), None)
    assert archive.run("--where", "extractor.rfispider=0.0.9").exit_code == 0
    assert archive.run("--where", "revision=7", "-e", "en").exit_code == 0
    titles = {name: document["title"] for name, document in archive.articles().items()}
    assert titles == {"1": "Boat 1", "2": "B"}
    assert archive.run("--where", "agency=AFP", "-e", "en").exit_code == 0
    assert archive.articles()["2"]["title"] == "Boat 2"


def test_it_goes_on_where_it_was_stopped(archive: Archive, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rfispider.storage.pages.replay.SEGMENT", 1)
    archive.fill(*(read(number, title=f"Old {number}") for number in range(1, 4)))
    monkeypatch.setattr(reextract, "confirmed", stops_after(1))
    monkeypatch.setattr(reextract, "is_terminal", lambda: True)
    archive.run()
    assert sorted(document["revision"] for document in archive.articles().values()) == [1, 1, 2]
    monkeypatch.setattr(reextract, "is_terminal", lambda: False)
    done = archive.run("--yes")
    assert "continuing where it was stopped" in done.stderr
    assert "2 pages read, 2 changes" in done.stdout
    assert sorted(document["revision"] for document in archive.articles().values()) == [2, 2, 2]


def stops_after(count: int) -> Callable[..., Any]:
    asked: list[object] = []

    async def confirmed(*given: object) -> bool:
        asked.append(given)
        return len(asked) <= count

    return confirmed


@pytest.mark.parametrize(("answer", "revision"), [("y\n", 2), ("a\n", 2), ("n\n", 1), ("\n", 1)])
def test_a_person_is_asked(
    answer: str, revision: int, archive: Archive, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reextract, "is_terminal", lambda: True)
    archive.fill(read(1, title="Boat"))
    done = archive.run(answer=answer)
    assert "1 of 1 page read differently" in done.stdout
    assert archive.articles()["1"]["revision"] == revision


@pytest.mark.parametrize("where", ["title", "nothing=1", "$where=1", "title.$ne=1", "revision=x", "published_at=2026"])
def test_a_condition_that_cannot_be_meant_names_its_option(where: str, archive: Archive) -> None:
    done = archive.run("--where", where)
    assert done.exit_code == 2
    assert "--where" in done.stderr


# ---- What a reading means --------------------------------------------------------------------------------


def kept(article: Article | None) -> KeptPage:
    return KeptPage("x", b"", decide(None, article).state if article else None)


STORED = read(1)


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        (STORED, []),
        (replace(STORED, title="Other"), ["title"]),
        (replace(STORED, text=STORED.text[:-50]), ["text"]),
        (replace(STORED, text=STORED.text.replace(" ", "  ")), []),
        (replace(STORED, text=STORED.text[:50]), []),
        (replace(STORED, status=Status.STUB, title="Other"), []),
        (replace(STORED, authors=["A. Writer"]), ["authors"]),
        (replace(STORED, title=""), []),
        (replace(STORED, fetched_at=T0 - 99 * HOUR, title="Other"), ["title"]),
    ],
    ids=["same", "title", "less noise", "space", "half is gone", "stub", "author", "nothing", "as of its own time"],
)
def test_a_reading_changes(found: Article, changed: list[str]) -> None:
    assert list(judged(kept(STORED), found, NOW).fields) == changed


def test_noise_is_cut_from_an_archived_entry_though_its_text_gets_shorter() -> None:
    stored = replace(STORED, origin=Origin.ARCHIVE, text=STORED.text + "\n\nRead more")
    assert judged(kept(stored), replace(STORED, origin=Origin.ARCHIVE), NOW).fields == ["text"]


@pytest.mark.parametrize("sight", [{"fetched_at": STORED.fetched_at + HOUR}, {"origin": Origin.FEED}])
def test_a_reading_comes_too_late_when_the_article_is_of_another_sight_by_now(sight: Document) -> None:
    state = decide(None, replace(STORED, **sight)).state
    decision = decide(state, replace(STORED, title="Other"), reread_at=NOW)
    assert (decision.outcome, decision.state) == (Outcome.SAME, state)


def test_a_new_reading_holds_from_when_it_was_read_and_is_no_edit_of_the_site() -> None:
    state = decide(None, STORED).state
    decision = decide(state, replace(STORED, text=STORED.text + " More."), reread_at=NOW)
    assert (decision.state.changed_at, decision.state.last_seen_at) == (NOW, state.last_seen_at)
    assert decision.state.silent_edits == 0
    assert decision.state.article.fetched_at == STORED.fetched_at


def test_a_page_that_is_not_read_any_more_changes_nothing() -> None:
    reading = judged(kept(STORED), Rejection(outcome=Outcome.FAILED, reason="no title"), NOW)
    assert (reading.problem, reading.touched) == ("no title", ())


@pytest.mark.integration
async def test_a_page_that_hangs_or_kills_its_process_costs_itself_only() -> None:
    pages = [KeptPage(name, name.encode(), None) for name in ("hangs", "fine", "dies", "fails")]
    async with ReparserPool(1, 0.3, misbehaving_parser.read) as readers:
        readings = await readers.read(pages, NOW)
    told = ["reading it took more than 0.3 s", "fine", "the process that read it died ", "KeyError: 'url'"]
    assert [reading.problem.split("(")[0] for reading in readings] == told


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a", "b", ("a", "b")),
        ("a" * 99 + "b", "a" * 99 + "c", ("..." + "a" * 40 + "b", "..." + "a" * 40 + "c")),
        ("a", "a" * 99, ("a", "a" * 41)),
    ],
)
def test_two_texts_are_shown_where_they_differ(old: str, new: str, shown: tuple[str, str]) -> None:
    assert reextract.differing(old, new) == shown

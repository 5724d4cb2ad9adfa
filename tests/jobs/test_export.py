"""`rfispider export`: what is asked for, all of it, in one piece."""

import asyncio
import csv
import gzip
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient
from typer.testing import CliRunner
from warcio.archiveiterator import ArchiveIterator

from rfispider import extract, settings
from rfispider.cli import app
from rfispider.items import Article, Page
from rfispider.storage import READER_FIELDS, FetchedPage, Store
from tests.support.crawling import ROOT, surroundings
from tests.support.extract_pages import article_html, page

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Archive:
    """A database, filled as a crawl fills it, and the command run on it."""

    def __init__(self, uri: str, database: str) -> None:
        self.uri, self.database = uri, database

    def store(self, *numbers: int, hours: int = 0, edition: str = "en", **values: Any) -> None:
        """Articles of these numbers, seen so many hours after `T0`; each was published on a day of its own."""
        asyncio.run(self._store([self.seen(number, hours, edition, **values) for number in numbers]))

    async def _store(self, seen: list[tuple[Page, Article]]) -> None:
        async with await Store.open(self.uri, self.database) as store:
            outcomes = await store.save([article for _, article in seen])
            told = zip(seen, outcomes, strict=True)
            await store.keep(
                [FetchedPage(page=page, outcome=outcome, article=article) for (page, article), outcome in told]
            )

    def seen(self, number: int, hours: int, edition: str, **values: Any) -> tuple[Page, Article]:
        words = " ".join(f"word{number * 97 + n}" for n in range(90))
        html = article_html(inside=f"<p>{words}</p>", title=values.pop("title", f"Boat {number}"))
        url = f"https://www.rfi.fr/{edition}/africa/202603{number:02}-boat-{number}"
        fetched = page(html, url, fetched_at=T0 + hours * HOUR, headers=[("Content-Type", "text/html")])
        article = extract.article(fetched)
        assert isinstance(article, Article)
        return fetched, replace(article, published_at=datetime(2026, 3, number, 9, tzinfo=UTC), **values)

    def run(self, *options: str) -> Any:
        return CliRunner().invoke(app, ["export", "--database", self.database, *options])

    def lines(self, path: Path, *options: str) -> list[dict[str, Any]]:
        """What an export wrote."""
        done = self.run("-o", str(path), *options)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def titles(self, path: Path, *options: str) -> list[str]:
        return sorted(line["title"] for line in self.lines(path, *options))


@pytest.fixture
def archive(mongo_uri: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(settings, "MONGO_URI", mongo_uri)
    return Archive(mongo_uri, database)


@pytest.fixture(scope="module")
def filled(mongo_uri: str) -> Iterator[Archive]:
    """Five English articles and a French one, which was edited."""
    with pytest.MonkeyPatch.context() as patch, MongoClient[dict[str, Any]](mongo_uri) as client:
        patch.setattr(settings, "MONGO_URI", mongo_uri)
        archive = Archive(mongo_uri, "test_export")
        archive.store(*range(1, 6))
        archive.store(6, edition="fr")
        archive.store(6, edition="fr", hours=2, title="Bateau")
        yield archive
        client.drop_database("test_export")


def manifest(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.with_name(path.name + ".manifest.json").read_text("utf-8"))
    return told


# ---- What comes ------------------------------------------------------------------------------------------


def test_all_of_the_archive_comes_with_a_manifest_that_is_true(filled: Archive, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    assert filled.run("-o", str(path)).exit_code == 0
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    with MongoClient[dict[str, Any]](filled.uri, tz_aware=True) as client:
        stored = {document["_id"]: document for document in client[filled.database].articles.find()}
    assert {line["_id"] for line in lines} == stored.keys()
    for line in lines:
        assert line.keys() == stored[line["_id"]].keys() & set(READER_FIELDS)
        assert line["text"] == stored[line["_id"]]["text"]
        assert datetime.fromisoformat(line["published_at"]) == stored[line["_id"]]["published_at"]
    told = manifest(path)
    assert (told["count"], told["format"], told["file"]) == (6, "jsonl", "a.jsonl.gz")
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told["fields"] == list(READER_FIELDS)


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        (["-e", "fr"], ["Bateau"]),
        (["-e", "fr,en", "--since", "2026-03-05"], ["Bateau", "Boat 5"]),
        (["--since", "2026-03-02", "--until", "2026-03-03"], ["Boat 2", "Boat 3"]),
        (["--since", "2026-03-02T09:00", "--until", "2026-03-03T10:00+01:00"], ["Boat 2"]),
        (["--as-of", "2026-03-01T13:00Z", "--since", "2026-03-05"], ["Boat 5", "Boat 6"]),
        (["--as-of", "2026-03-01T14:00Z", "-e", "fr"], ["Bateau"]),
        (["--as-of", "2026-03-01T11:59Z"], []),
    ],
)
def test_a_part_comes_when_it_is_asked_for(
    options: list[str], titles: list[str], filled: Archive, tmp_path: Path
) -> None:
    assert filled.titles(tmp_path / "a.jsonl", *options) == titles


def test_a_state_of_the_past_tells_how_long_it_held(filled: Archive, tmp_path: Path) -> None:
    fields = ["--fields", "title,revision,valid_from,valid_to,related"]
    (line,) = filled.lines(tmp_path / "a.jsonl", "--as-of", "2026-03-01T13:00", "-e", "fr", *fields)
    assert line == {
        "title": "Boat 6", "revision": 1, "related": [],
        "valid_from": "2026-03-01T12:00:00Z", "valid_to": "2026-03-01T14:00:00Z",
    }  # fmt: skip


def test_only_the_fields_that_are_asked_for_come_in_their_order(filled: Archive, tmp_path: Path) -> None:
    assert filled.run("-o", str(tmp_path / "a.csv"), "-e", "fr", "--fields", "title,edition").exit_code == 0
    assert list(csv.reader((tmp_path / "a.csv").read_text().splitlines())) == [["title", "edition"], ["Bateau", "fr"]]
    assert filled.lines(tmp_path / "a.jsonl", "-e", "fr", "--fields", "title") == [{"title": "Bateau"}]


def test_the_same_articles_come_as_parquet(filled: Archive, tmp_path: Path) -> None:
    assert filled.run("-o", str(tmp_path / "a.parquet")).exit_code == 0
    read = pq.read_table(tmp_path / "a.parquet")
    assert read.num_rows == manifest(tmp_path / "a.parquet")["count"] == 6
    assert "Bateau" in read.column("title").to_pylist()


def test_the_kept_pages_come_as_a_warc(filled: Archive, tmp_path: Path) -> None:
    assert filled.run("-o", str(tmp_path / "a.warc.gz"), "-e", "fr").exit_code == 0
    with (tmp_path / "a.warc.gz").open("rb") as stream:
        records = [(record.rec_type, record.content_stream().read()) for record in ArchiveIterator(stream)]
    assert [kind for kind, _ in records] == ["warcinfo", "response", "response"]
    assert b"Boat 6" in records[1][1]
    assert b"Bateau" in records[2][1]
    assert manifest(tmp_path / "a.warc.gz")["count"] == 2


def test_it_goes_to_standard_output_unless_a_file_is_named(filled: Archive) -> None:
    command = [sys.executable, "-c", "from rfispider.cli import main; main()", "export", "-e", "fr"]
    environment = surroundings(MONGO_URI=filled.uri, MONGO_DATABASE=filled.database)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["title"] == "Bateau"
    assert done.stderr == b""


# ---- Since the last one ----------------------------------------------------------------------------------


@pytest.fixture(params=["name", "manifest"])
def again(request: pytest.FixtureRequest, archive: Archive, tmp_path: Path) -> Callable[[], list[str]]:
    """The titles that the next export since the last one brings."""
    options = ["--since-last", *(["--name", "desk"] if request.param == "name" else [])]
    return lambda: archive.titles(tmp_path / "a.jsonl", *options)


def test_each_new_or_changed_article_comes_once_whatever_its_clock_says(
    again: Callable[[], list[str]], archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rfispider.storage.stream.change_stream.ARTICLES_PER_BATCH", 1)
    archive.store(1, 2)
    assert again() == ["Boat 1", "Boat 2"]
    assert again() == []
    archive.store(3, hours=-900)  # fetched long ago, by a slow worker or one whose clock is wrong
    archive.store(1, hours=1, title="Ship 1")
    archive.store(1, hours=2, title="Ship 2")
    archive.store(2, hours=3)  # the same
    assert again() == ["Boat 3", "Ship 2"]
    assert again() == []


def test_pages_come_since_the_last_one_too(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    counts = []
    for number in (1, 2, None):
        if number:
            archive.store(number)
        assert archive.run("-o", str(path), "--since-last").exit_code == 0
        counts.append(manifest(path)["count"])
    assert counts == [1, 1, 0]


def test_when_the_server_has_forgotten_the_clocks_tell_and_that_is_said(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    archive.store(1, hours=-90)
    archive.store(2, hours=-10)
    with MongoClient[dict[str, Any]](archive.uri) as client, client[archive.database].articles.watch() as stream:
        archive.store(3, hours=-80)
        token = stream.next()["_id"]["_data"]
    archive.titles(path)
    told = manifest(path)
    told["position"] = {"at": T0.isoformat(), "token": {"_data": f"{token[:2]}00000001{token[10:]}"}}
    path.with_name("a.jsonl.manifest.json").write_text(json.dumps(told))
    done = archive.run("-o", str(path), "--since-last")
    assert "does not reach back" in done.stderr
    assert [json.loads(line)["title"] for line in path.read_text().splitlines()] == ["Boat 2"]
    assert archive.titles(path, "--since-last") == []


def test_an_export_of_something_else_is_no_place_to_go_on_from(archive: Archive, tmp_path: Path) -> None:
    archive.store(1)
    archive.titles(tmp_path / "a.jsonl", "-e", "en")
    done = archive.run("-o", str(tmp_path / "a.jsonl"), "--since-last")
    assert done.exit_code == 2
    assert "--since-last" in done.stderr


# ---- In one piece ----------------------------------------------------------------------------------------


def test_a_kill_halfway_leaves_the_file_of_before(archive: Archive, tmp_path: Path) -> None:
    archive.store(1)
    path, part = tmp_path / "a.jsonl.gz", tmp_path / ".a.jsonl.gz.part"
    assert archive.run("-o", str(path)).exit_code == 0
    before = path.read_bytes()
    with MongoClient[dict[str, Any]](archive.uri) as client:
        articles = client[archive.database].articles
        one = articles.find_one() or {}
        many = [{**one, "_id": f"{n:032x}", "url": f"u{n}", "text": one["text"] * 4} for n in range(2_500)]
        for each in many:
            each.pop("identity", None)
        articles.insert_many(many, bypass_document_validation=True)
    command = [sys.executable, "-c", "from rfispider.cli import main; main()", "export", "-o", str(path)]
    environment = surroundings(MONGO_URI=archive.uri, MONGO_DATABASE=archive.database)
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        while not (part.exists() and part.stat().st_size):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert manifest(path)["sha256"] == hashlib.sha256(before).hexdigest()
    assert archive.run("-o", str(path)).exit_code == 0
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 2_501
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.jsonl.gz", "a.jsonl.gz.manifest.json"]


# ---- What is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["-e", "xx"], "--edition"),
        (["--since", "yesterday"], "--since"),
        (["--since", "2026-03-02", "--until", "2026-03-01"], "--since"),
        (["--fields", "title,nothing"], "--fields"),
        (["--fields", "search"], "--fields"),
        (["--fields", ","], "--fields"),
        (["--format", "xml"], "--format"),
        (["--as-of", "2026-03-01", "--since-last", "--name", "x"], "--as-of"),
        (["--as-of", "2999-01-01"], "--as-of"),
        (["--format", "warc", "--fields", "title"], "--fields"),
        (["--since-last"], "--since-last"),
        (["-o", "a.parquet.gz"], "--output"),
    ],
)
def test_what_cannot_be_meant_names_its_option(options: list[str], named: str, filled: Archive) -> None:
    done = filled.run(*options)
    assert done.exit_code == 2
    assert named in done.stderr


def test_a_place_that_cannot_be_written_is_one_line(filled: Archive, tmp_path: Path) -> None:
    done = filled.run("-o", str(tmp_path / "none" / "a.jsonl"))
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_missing_package_names_the_extra(filled: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "rfispider.jobs.export.parquet", raising=False)
    done = filled.run("-o", str(tmp_path / "a.parquet"))
    assert done.exit_code == 1
    assert "rfispider[parquet]" in done.stderr
    assert list(tmp_path.iterdir()) == []

"""The commands of `rfispider`, run as a user runs them."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pymongo import MongoClient

from tests.support.crawling import ROOT, crawl, rfispider, surroundings

DATABASE = "test_cli"


@pytest.fixture(scope="module")
def filled(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    entries = tmp_path_factory.mktemp("entries")
    command = [sys.executable, "-m", "replica", "archive", str(entries), "--editions", "cn", "--articles", "12"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert crawl(mongo_uri, DATABASE, "-a", f"archive={entries}", "-a", "depth=0").returncode == 0
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[DATABASE]
        client.drop_database(DATABASE)


@pytest.mark.parametrize(
    "form",
    [
        lambda article: article["url"],
        lambda article: unquote(article["url"]),
        lambda article: article["url"].replace("https://www.rfi.fr/", "http://rfi.fr//"),
        lambda article: article["_id"],
    ],
    ids=["canonical", "raw", "old", "key"],
)
def test_an_article_is_shown_by_any_form_of_its_url(form: Any, mongo_uri: str, filled: Any) -> None:
    article = filled.articles.find_one({"text": {"$ne": ""}})
    shown = rfispider(mongo_uri, DATABASE, "show", form(article))
    assert shown.returncode == 0, shown.stderr
    assert article["title"] in shown.stdout
    assert article["text"].split("\n\n")[0][:40] in shown.stdout


def test_an_article_is_shown_whole_for_programs(mongo_uri: str, filled: Any) -> None:
    article = filled.articles.find_one()
    shown = json.loads(rfispider(mongo_uri, DATABASE, "show", article["url"], "--json").stdout)
    assert shown["_id"] == article["_id"]
    assert shown["text"] == article["text"]


def test_the_page_of_every_article_is_kept(filled: Any) -> None:
    assert filled.pages.distinct("article") == filled.articles.distinct("_id")


def test_no_page_is_kept_when_none_is_wanted(mongo_uri: str, database: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "replica", "archive", str(tmp_path), "--editions", "cn", "--articles", "2"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    done = crawl(mongo_uri, database, "-a", f"archive={tmp_path}", "-a", "depth=0", RFI_KEEP_PAGES="0")
    assert done.returncode == 0
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        assert client[database].articles.count_documents({}) > 0
        assert client[database].pages.count_documents({}) == 0


def test_an_article_that_is_not_there_is_exit_status_1(mongo_uri: str, filled: Any) -> None:
    shown = rfispider(mongo_uri, DATABASE, "show", "https://www.rfi.fr/cn/20240101-none")
    assert shown.returncode == 1
    assert "has no article" in shown.stderr


def test_the_report_counts_what_is_stored(mongo_uri: str, filled: Any) -> None:
    report = rfispider(mongo_uri, DATABASE, "report").stdout
    assert f"{filled.articles.count_documents({})} articles" in report
    assert "published_at" in report
    assert "finished" in report


def test_an_empty_archive_says_how_to_fill_it(mongo_uri: str, database: str) -> None:
    assert "`scrapy crawl rfi` fills it" in rfispider(mongo_uri, database, "report").stdout
    assert "`scrapy crawl rfi` fills it" in rfispider(mongo_uri, database, "frontier").stdout


def test_the_frontier_never_heard_of_a_url(mongo_uri: str, database: str) -> None:
    why = rfispider(mongo_uri, database, "frontier", "why", "https://www.rfi.fr/cn/20240101-none")
    assert why.returncode == 1
    assert "never heard of" in why.stderr


@pytest.mark.integration
@pytest.mark.parametrize("command", [["report"], ["frontier"], ["show", "x"]])
def test_an_unreachable_server_is_one_line_without_the_password(command: list[str]) -> None:
    told = rfispider("mongodb://ann:s3cret@127.0.0.1:9/", "any", *command)
    assert told.returncode == 1
    assert told.stderr.startswith("rfispider: ")
    assert len(told.stderr.strip().splitlines()) == 1
    assert "s3cret" not in told.stderr


@pytest.mark.integration
def test_the_embedded_server_is_started_found_and_stopped(tmp_path: Path) -> None:
    def mongo(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from rfispider.cli import main; main()", "mongo", command],
            cwd=ROOT,
            env=surroundings(RFI_DATA=str(tmp_path)),
            capture_output=True,
            text=True,
            check=False,
        )

    assert mongo("status").returncode == 1
    uri = mongo("up").stdout.strip()
    try:
        assert re.match(r"mongodb://rfispider:[\w-]+@127\.0\.0\.1:", uri)
        assert mongo("uri").stdout.strip() == uri
        # Another user may look over a shoulder: the status shows where it runs, not the password.
        assert re.sub(r":[\w-]+@", ":***@", uri) in mongo("status").stdout
    finally:
        assert mongo("down").returncode == 0
    assert mongo("uri").returncode == 1

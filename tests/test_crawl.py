"""Whole crawls: from a source to documents in MongoDB."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from crawling import Replica, crawl, serving
from pymongo import MongoClient

ALL = ("-a", "editions=cn,fr,en", "-a", "depth=-1")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "cn,fr,en", "--articles", "40") as replica:
        yield replica


@pytest.fixture
def archive(mongo_uri: str, database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database]


def last_run(archive: Any) -> dict[str, Any]:  # noqa: ANN401
    return archive.runs.find_one(sort=[("started_at", -1)])


def urls_of(articles: list[dict[str, Any]]) -> set[str]:
    return {url for article in articles for url in (article["url"], *article.get("aliases", []))}


def test_every_reachable_article_is_stored_once_and_a_second_run_stores_none(
    site: Replica, mongo_uri: str, database: str, archive: Any  # noqa: ANN401
) -> None:
    first = crawl(mongo_uri, database, *ALL, RFI_BASE_URL=site.base)
    assert first.returncode == 0, first.stderr
    assert "ERROR" not in first.stderr
    stored = list(archive.articles.find())
    assert {article["url"] for article in site.truth()} <= urls_of(stored)
    assert len(stored) == len({article["url"] for article in stored})
    assert all(article["url"].startswith("https://www.rfi.fr/") for article in stored)

    second = crawl(mongo_uri, database, *ALL, RFI_BASE_URL=site.base)
    assert second.returncode == 0, second.stderr
    assert archive.articles.count_documents({}) == len(stored)
    assert set(last_run(archive)["outcomes"]) <= {"article/same", "page/not-article"}
    assert archive.revisions.count_documents({}) == 0

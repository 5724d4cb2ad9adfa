"""The database of a crawl is opened once, and its items are those of any Scrapy project."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.support.crawling import Replica, crawl, serving

COUNTED_CLIENTS = """
import os
import pymongo

def counted(client):
    make = client.__init__
    def __init__(self, *args, **options):
        with open(os.environ["CLIENTS"], "a") as file:
            file.write(client.__name__ + "\\n")
        make(self, *args, **options)
    client.__init__ = __init__

counted(pymongo.MongoClient)
counted(pymongo.AsyncMongoClient)
"""
FOREIGN_PIPELINE = """
from itemadapter import ItemAdapter

class Shout:
    def process_item(self, item):
        fields = ItemAdapter(item)
        fields["title"] = fields["title"].upper()
        return item
"""
SETTINGS = """
from rfispider.settings import *

ITEM_PIPELINES = ITEM_PIPELINES | {"foreign.Shout": 500}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "en", "--articles", "20") as replica:
        yield replica


def test_a_crawl_with_metrics_makes_at_most_two_clients(
    site: Replica, mongo_uri: str, database: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(COUNTED_CLIENTS)
    clients = tmp_path / "clients"
    options = {"RFI_BASE_URL": site.base, "RFI_METRICS_PORT": "0", "RFI_METRICS_FILE": str(tmp_path / "m.prom")}
    run = crawl(mongo_uri, database, "-a", "editions=en", PYTHONPATH=str(tmp_path), CLIENTS=str(clients), **options)
    assert run.returncode == 0, run.stderr
    assert 1 <= len(clients.read_text().splitlines()) <= 2
    assert "rfispider_frontier_urls" in (tmp_path / "m.prom").read_text()


def test_a_foreign_pipeline_and_a_feed_export_see_articles_with_the_fields_of_the_archive(
    site: Replica, mongo_uri: str, database: str, tmp_path: Path
) -> None:
    (tmp_path / "foreign.py").write_text(FOREIGN_PIPELINE)
    (tmp_path / "own_settings.py").write_text(SETTINGS)
    file = tmp_path / "articles.jsonl"
    options = {"RFI_BASE_URL": site.base, "PYTHONPATH": str(tmp_path), "SCRAPY_SETTINGS_MODULE": "own_settings"}
    run = crawl(mongo_uri, database, "-a", "editions=en", "-O", str(file), **options)
    assert run.returncode == 0, run.stderr
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        stored = {article["url"]: article for article in client[database].articles.find()}
    exported = [json.loads(line) for line in file.read_text().splitlines()]
    assert {item["url"] for item in exported} >= stored.keys() > set()
    for item in exported:
        if article := stored.get(item["url"]):
            assert item["title"] == item["title"].upper() == article["title"]
            assert item["text"] == article["text"]
        assert not {"page", "_id"} & item.keys()

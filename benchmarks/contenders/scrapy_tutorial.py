"""The tutorial: Scrapy, `trafilatura.extract` with metadata in the callback, an upsert in the pipeline."""

import json
from collections.abc import Iterator
from typing import Any

import trafilatura
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response
from scrapy_fetch import SETTINGS, Fetch
from task import Task, document, upsert, utc


class Upsert:
    """The pipeline."""

    def __init__(self) -> None:
        self.articles = Task.given().articles()

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Store an article."""
        upsert(self.articles, item)
        return item


class Tutorial(Fetch):
    """Reads each page with trafilatura."""

    name = "tutorial"

    def page(self, response: Response) -> Iterator[dict[str, Any]]:
        """Give the article."""
        found = trafilatura.extract(response.body, url=response.url, with_metadata=True, output_format="json")
        if found:
            yield document(self.task.base, response.url, of_json(json.loads(found)))


def of_json(found: dict[str, Any]) -> dict[str, Any]:
    """The article's fields in trafilatura's answer."""
    return {
        "title": found["title"],
        "lead": found["excerpt"],
        "text": found["text"],
        "published_at": utc(found["date"]),
        "image": found["image"],
    }


if __name__ == "__main__":
    process = CrawlerProcess({**SETTINGS, "ITEM_PIPELINES": {Upsert: 300}})
    process.crawl(Tutorial)
    process.start()

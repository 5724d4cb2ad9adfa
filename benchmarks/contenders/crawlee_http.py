"""Crawlee for Python: its HttpCrawler, trafilatura with metadata in the handler, an upsert."""

import asyncio
import json

import trafilatura
from crawlee import ConcurrencySettings  # type: ignore[import-not-found]
from crawlee.crawlers import HttpCrawler, HttpCrawlingContext  # type: ignore[import-not-found]
from scrapy_tutorial import of_json
from task import IN_FLIGHT, Task, document, upsert


async def main() -> None:
    """Fetch, read, store."""
    task = Task.given()
    articles = task.articles()
    limits = ConcurrencySettings(min_concurrency=IN_FLIGHT, desired_concurrency=IN_FLIGHT, max_concurrency=IN_FLIGHT)
    crawler = HttpCrawler(concurrency_settings=limits, statistics_log_format="inline")

    @crawler.router.default_handler
    async def page(context: HttpCrawlingContext) -> None:
        body, url = await context.http_response.read(), context.request.url
        found = trafilatura.extract(body, url=url, with_metadata=True, output_format="json")
        if found:
            upsert(articles, document(task.base, url, of_json(json.loads(found))))

    await crawler.run(task.urls())


if __name__ == "__main__":
    asyncio.run(main())

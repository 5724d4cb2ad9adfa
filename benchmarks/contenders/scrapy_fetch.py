"""The ceiling: Scrapy fetches every page and does nothing with it. Usage: as `task.py` says."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response
from task import IN_FLIGHT, Task

SETTINGS = {
    "CONCURRENT_REQUESTS": IN_FLIGHT,
    "CONCURRENT_REQUESTS_PER_DOMAIN": IN_FLIGHT,
    "DOWNLOAD_DELAY": 0,
    "LOG_LEVEL": "INFO",
    "REMOTE_CONTROL_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "TELNETCONSOLE_ENABLED": False,
}
"""All else is Scrapy's default."""


class Fetch(Spider):
    """Asks for the feed and for all that it lists."""

    name = "fetch"
    task = Task.given()

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the feed."""
        yield Request(self.task.feed)

    def parse(self, response: Response, **_: Any) -> Iterator[Request]:
        """Ask for the pages."""
        for url in self.task.listed(response.body.decode()):
            yield Request(url, callback=self.page)

    def page(self, response: Response) -> Iterator[Any]:  # noqa: ARG002 - as Scrapy calls it
        """Do nothing."""
        return iter(())


if __name__ == "__main__":
    process = CrawlerProcess(SETTINGS)
    process.crawl(Fetch)
    process.start()

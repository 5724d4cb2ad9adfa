"""What a log says: one line an event, and nothing that only a developer of Scrapy wants to know."""

import logging
from typing import Any

from scrapy import Spider
from scrapy.http import Response
from scrapy.logformatter import LogFormatter, LogFormatterResult
from twisted.python.failure import Failure

CHATTER = (
    "scrapy.addons",
    "scrapy.core.engine",
    "scrapy.crawler",
    "scrapy.middleware",
    "scrapy.utils.log",
)
"""Loggers that say at INFO what only a developer of Scrapy wants to know."""


class Lines(LogFormatter):
    """Tells of a page by its address and what came of it, never by its content."""

    def dropped(
        self,
        item: Any,  # noqa: ANN401 - as Scrapy calls it
        exception: BaseException,
        response: Response | Failure | None,
        spider: Spider,
    ) -> LogFormatterResult:
        """Say why a page gave no article; the exception names the page."""
        told = super().dropped(item, exception, response, spider)
        return {**told, "msg": "%(exception)s", "args": {"exception": exception}}


def quieten() -> None:
    """Keep Scrapy's start-up talk out of a log at INFO; warnings still show, and DEBUG shows everything."""
    for name in CHATTER:
        # A filter, for Scrapy sets the levels of its loggers anew when it configures logging.
        logging.getLogger(name).addFilter(lambda record: record.levelno > logging.INFO)

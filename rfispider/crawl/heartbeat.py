"""A sign of life of every run under way: its record says each minute that it lives, and what it did lately."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.utils.asyncio import create_looping_call

from rfispider.crawl.run_record import RunRecord
from rfispider.crawl.run_text import group
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

BEAT_S = 60.0
BEATS = 15
"""What a run did in so many beats is what it did lately: a quarter of an hour."""


class Heartbeat:
    """Writes the sign of life of a run into its record; a record without one is that of a run that was killed."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.loop = create_looping_call(self.begin)
        self.beating: asyncio.Task[None] | None = None
        self.before: deque[Counter[str]] = deque([Counter()], maxlen=BEATS)
        crawler.signals.connect(self.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(self.spider_closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, whose run record is kept up to date."""
        return cls(crawler)

    def spider_opened(self) -> None:
        """Begin to beat."""
        self.loop.start(BEAT_S, now=False)

    def spider_closed(self) -> None:
        """Stop; the end of the run is told by its record."""
        if self.loop.running:
            self.loop.stop()

    def begin(self) -> None:
        """Begin one beat; the looping call takes no coroutine."""
        self.beating = asyncio.ensure_future(self.beat())

    async def beat(self) -> None:
        """Write one sign of life; where that fails the crawl goes on, and finds out by itself."""
        record = self.crawler.get_extension(RunRecord)
        if record is None or not record.run or record.store is None:
            return
        counted = Counter(group(self.crawler.stats.get_stats(), "outcome/"))
        told = lately(counted, self.before[0])
        self.before.append(counted)
        try:
            await record.store.run_alive(record.run, told | {"updated_at": datetime.now(UTC)})
        except DatabaseError as error:
            logger.warning("no sign of life could be written: %s", error)


def lately(counted: Mapping[str, int], before: Mapping[str, int]) -> dict[str, Any]:
    """What a run under way adds to its record: its outcomes so far, and those since an earlier count of them."""
    recent = {name: count - before.get(name, 0) for name, count in counted.items() if count > before.get(name, 0)}
    return {"outcomes": dict(counted), "recent": recent}

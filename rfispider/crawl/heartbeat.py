"""The sign of life of a run under way: its record says each minute that it lives, and what it did lately."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

from scrapy.statscollectors import StatsCollector

from rfispider.crawl.run_text import group
from rfispider.crawl.session import CrawlSession
from rfispider.storage import DatabaseError

logger = logging.getLogger(__name__)

INTERVAL_S = 60.0
"""Between two signs of life, in seconds."""
RECENT = 15
"""What a run did in so many intervals is what it did lately: a quarter of an hour."""


class Heartbeat:
    """Writes signs of life into the record of a run; a record without one is that of a run that was killed."""

    def __init__(self, session: CrawlSession, run: Mapping[str, Any], stats: StatsCollector) -> None:
        """Take the database, the record of the run (`worker` and `started_at` name it), and its statistics."""
        self.session = session
        self.run = run
        self.stats = stats
        self.before: deque[Counter[str]] = deque([Counter()], maxlen=RECENT)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to give signs of life."""
        self.task = asyncio.ensure_future(self._repeat())

    async def stop(self) -> None:
        """Stop; the end of the run is in its record."""
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.write()

    async def write(self) -> None:
        """Write one sign of life; where that fails the crawl goes on, and finds out by itself."""
        outcomes = Counter(group(self.stats.get_stats(), "outcome/"))
        activity = lately(outcomes, self.before[0])
        self.before.append(outcomes)
        try:
            await self.session.store.run_alive(self.run, activity | {"updated_at": self.session.now()})
        except DatabaseError as error:
            logger.warning("no sign of life could be written: %s", error)


def lately(outcomes: Mapping[str, int], before: Mapping[str, int]) -> dict[str, Any]:
    """What a run under way adds to its record: its outcomes so far, and those since an earlier count of them."""
    recent = {name: count - before.get(name, 0) for name, count in outcomes.items() if count > before.get(name, 0)}
    return {"outcomes": dict(outcomes), "recent": recent}

"""robots.txt as RFC 9309 has it: what cannot be read allows nothing, but its copy may stand in for it for a day."""

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, Self

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import RobotParser
from scrapy.utils.misc import build_from_crawler

from rfispider.crawl.session import CrawlSession
from rfispider.frontier.host_budget import RobotsCopy
from rfispider.mongo.errors import DatabaseError

logger = logging.getLogger(__name__)

ROBOTS_FRESH_S: Final = 86_400.0
"""How long what was read is used without reading it again, and how old a copy may be (RFC 9309, 2.4), in seconds."""
FIRST_RETRY_S: Final = 60.0
LONGEST_RETRY_S: Final = 3600.0
"""When it is tried again to read what could not be read, in seconds: after the first time, and at the most."""
MAX_BYTES: Final = 512_000
"""What is behind so many bytes is not read: RFC 9309, 2.5, asks for 500 KiB at least."""


class Access(Enum):
    """What the status of a response for robots.txt means (RFC 9309, 2.3.1)."""

    RULES = "rules"
    """Its rules are obeyed."""
    EVERYTHING = "everything"
    """There is none: everything may be requested."""
    NOTHING = "nothing"
    """It cannot be read: nothing may be requested."""


def access(status: int) -> Access:
    """What an HTTP status means.

    >>> [access(status).value for status in (200, 404, 302, 503)]
    ['rules', 'everything', 'everything', 'nothing']
    """
    if 200 <= status < 300:  # noqa: PLR2004 - the classes of HTTP
        return Access.RULES
    return Access.NOTHING if status >= 500 else Access.EVERYTHING  # noqa: PLR2004 - likewise


def retry_s(failures: int) -> float:
    """Seconds after which robots.txt is read again that could not be read so many times (from 1) in a row."""
    return min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 16))


class RobotsUnreadable(IgnoreRequest):
    """Nothing may be requested of a host, for its robots.txt cannot be read; the message says why."""

    def __init__(self, reason: str, retry_in_s: float) -> None:
        super().__init__(reason)
        self.retry_in_s = retry_in_s
        """When it is tried again to read it, in seconds from now."""


class Copies(Protocol):
    """Where the copies of robots.txt are kept that all workers share."""

    async def robots_copy(self, host: str) -> RobotsCopy | None:
        """The copy of a host; None if there is none."""

    async def keep_robots_copy(self, host: str, text: str) -> None:
        """Keep what was read just now."""


@dataclass(slots=True, kw_only=True)
class HostRules:
    """What is known of the robots.txt of a host."""

    parser: RobotParser | None
    """None while nothing may be requested."""
    read_again_at: float
    """In seconds of the event loop's clock."""
    failures: int = 0
    """In a row."""
    problem: str = ""
    """Why it could not be read, in one line."""


class RobotsTxt(RobotsTxtMiddleware):
    """A downloader middleware in place of Scrapy's, which takes a robots.txt that cannot be read for leave."""

    def __init__(self, crawler: Crawler, session: CrawlSession | None) -> None:
        """Take the crawler, and the database of the crawl; without one no copies are kept."""
        super().__init__(crawler)
        self.session = session
        self.rules: dict[str, HostRules] = {}
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the database of the crawl; the spider of `scrapy shell` has none."""
        try:
            return cls(crawler, CrawlSession.of(crawler))
        except NotConfigured:
            return cls(crawler, None)

    @property
    def copies(self) -> Copies | None:
        """Where copies are kept; None where there is no database."""
        return self.session.frontier.hosts if self.session and self.session.is_open else None

    async def process_request(self, request: Request) -> None:  # type: ignore[override] # no deprecated `spider`
        """Let a request pass that robots.txt allows.

        Raises:
            RobotsUnreadable: nobody knows whether it does. The visit takes note that it was not made.
            IgnoreRequest: it forbids it.

        """
        try:
            await super().process_request(request)
        except RobotsUnreadable as error:
            if visit := request.meta.get("visit"):
                visit.held_off_s = error.retry_in_s
            raise

    async def robot_parser(self, request: Request) -> RobotParser:
        """The rules for the host of a request, read when they are asked for the first time, and again when it is time.

        Raises:
            RobotsUnreadable: there are none.

        """
        host = request.url.split("/")[2]
        now = asyncio.get_running_loop().time()
        async with self.locks[host]:
            rules = self.rules.get(host)
            if rules is None or now >= rules.read_again_at:
                rules = self.rules[host] = await self.read(request, host, rules)
        if rules.parser is None:
            problem = f"robots.txt of {host} cannot be read: {rules.problem}"
            raise RobotsUnreadable(problem, max(0.0, rules.read_again_at - asyncio.get_running_loop().time()))
        return rules.parser

    async def read(self, request: Request, host: str, before: HostRules | None) -> HostRules:
        """Read the robots.txt of a host; what stands in for it if it cannot be read."""
        self._stats.inc_value("robotstxt/request_count")
        try:
            response = await self.crawler.engine.download_async(robots_request(request))
        except IgnoreRequest:
            # It leads somewhere else, too often or to a host that is not ours: it is not available (2.3.1.2).
            return await self.obey(request, host, b"")
        except Exception as error:  # noqa: BLE001 - whatever went wrong, there is no answer
            self._stats.inc_value(f"robotstxt/exception_count/{type(error)}")
            return await self.stand_in(host, before, str(error) or type(error).__name__)
        return await self.interpret(request, host, before, response)

    async def interpret(self, request: Request, host: str, before: HostRules | None, response: Response) -> HostRules:
        """The rules that follow from a response."""
        self._stats.inc_value("robotstxt/response_count")
        self._stats.inc_value(f"robotstxt/response_status_count/{response.status}")
        meaning = access(response.status)
        if meaning is Access.NOTHING:
            return await self.stand_in(host, before, f"HTTP {response.status}")
        return await self.obey(request, host, response.body[:MAX_BYTES] if meaning is Access.RULES else b"")

    async def obey(self, request: Request, host: str, body: bytes) -> HostRules:
        """The rules of a robots.txt, which is kept for when it cannot be read; an empty one allows everything."""
        parser = self.parsed(body)
        await self.crawler.signals.send_catch_log_async(
            signal=signals.robots_parsed, robotparser=parser, request=request
        )
        if self.copies:
            try:
                await self.copies.keep_robots_copy(host, body.decode("utf-8", "replace"))
            except DatabaseError as error:
                logger.warning("robots.txt of %s is not kept: %s", host, error)
        return HostRules(parser=parser, read_again_at=asyncio.get_running_loop().time() + ROBOTS_FRESH_S)

    async def stand_in(self, host: str, before: HostRules | None, problem: str) -> HostRules:
        """The rules while robots.txt cannot be read: those of a copy that is not too old, else none."""
        failures = before.failures + 1 if before else 1
        wait_s = retry_s(failures)
        copy = await self.copy(host)
        logger.warning(
            "robots.txt of %s cannot be read (%s): %s; the next attempt is in %g s",
            host,
            " ".join(problem.split()),
            f"its copy of {copy.age_s / 3600:.1f} h ago is used" if copy else "nothing is requested",
            wait_s,
        )
        return HostRules(
            parser=self.parsed(copy.text.encode()) if copy else None,
            read_again_at=asyncio.get_running_loop().time() + wait_s,
            failures=failures,
            problem=problem,
        )

    async def copy(self, host: str) -> RobotsCopy | None:
        """The copy of a host's robots.txt; None if there is none that is young enough."""
        if not self.copies:
            return None
        try:
            copy = await self.copies.robots_copy(host)
        except DatabaseError as error:
            logger.warning("the copy of the robots.txt of %s cannot be read: %s", host, error)
            return None
        return copy if copy and copy.age_s < ROBOTS_FRESH_S else None

    def parsed(self, body: bytes) -> RobotParser:
        """The rules of a robots.txt."""
        parser: RobotParser = build_from_crawler(self._parserimpl, self.crawler, body)
        return parser


def robots_request(request: Request) -> Request:
    """The request for the robots.txt that a request is subject to, before all others."""
    scheme, _, host, *_ = request.url.split("/")
    return Request(
        f"{scheme}//{host}/robots.txt",
        priority=RobotsTxtMiddleware.DOWNLOAD_PRIORITY,
        meta={"dont_obey_robotstxt": True},
        callback=NO_CALLBACK,
    )

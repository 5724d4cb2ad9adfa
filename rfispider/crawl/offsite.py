"""What keeps a crawl on the site, whatever a page, a redirect or a name server says, and its answers small."""

import logging
from collections.abc import Collection
from functools import cached_property
from typing import Any
from urllib.request import getproxies

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from rfispider.crawl.allowlist import Allowlist, is_public
from rfispider.settings import base_url

logger = logging.getLogger(__name__)

MIN_STATUS, MAX_STATUS = 100, 599


def reach(crawler: Crawler) -> Allowlist | None:
    """What a crawl may ask: the site and what its operator has named; None if it is none of ours."""
    arguments = getattr(crawler.spider, "arguments", None)
    return arguments and Allowlist.of(trusted=[base_url(crawler.settings)], others=arguments.sources)


def service_hosts(crawler: Crawler) -> Allowlist:
    """What does not belong to the site and works for us: the renderer, proxies."""
    proxies = [url if "://" in url else f"http://{url}" for url in getproxies().values()]
    return Allowlist.of(trusted=[_without_user(url) for url in (crawler.settings["SPLASH_URL"] or "", *proxies)])


class OffsiteGuard:
    """A downloader middleware: no request leaves for what the crawl was not allowed to reach, redirects included."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @cached_property
    def reach(self) -> Allowlist | None:
        """What may be asked."""
        return reach(self.crawler)

    @cached_property
    def service_hosts(self) -> Allowlist:
        """What a render may ask besides."""
        return service_hosts(self.crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "OffsiteGuard":
        """Take the crawler, whose settings and arguments say what may be reached."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            IgnoreRequest: it would leave the site.

        """
        if not self.allows(request):
            self.crawler.stats.inc_value("guard/refused")
            raise IgnoreRequest("not asked for: the address is not of the site")

    def process_response(self, response: Response, **_: Any) -> Response:  # noqa: ANN401 - as Scrapy calls it
        """Let an answer pass.

        Raises:
            DownloadCancelledError: its status is none of HTTP.

        """
        if not MIN_STATUS <= response.status <= MAX_STATUS:
            raise DownloadCancelledError("the answer has a status that HTTP does not know")
        return response

    def allows(self, request: Request) -> bool:
        """Whether a request may be made."""
        if self.reach is None or self.reach.allows(request.url):
            return True
        if request.meta.get("allow_offsite") and request.url == "data:,":
            return True  # an archive is read, nothing is fetched
        return bool(request.meta.get("rendering")) and self.service_hosts.allows(request.url)


class Resolver(CachingThreadedResolver):
    """Resolves names to public addresses only, unless the operator has named the host.

    What it gives is what is connected to: a name that changes its address in between gains nothing.
    """

    crawlers: Collection[Crawler]

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> "Resolver":  # noqa: ANN401 - as Scrapy calls it
        """Take the crawlers, whose settings and arguments say which hosts are the operator's."""
        made = super().from_crawler(crawler, reactor)
        # A name server serves the whole process: Scrapy gives the process here, whatever the name says.
        made.crawlers = crawler.crawlers if hasattr(crawler, "crawlers") else [crawler]
        return made

    def getHostByName(self, name: str, timeout: Any = ()) -> "Deferred[str]":  # noqa: ANN401, N802 - as Twisted has it
        """Resolve a name; fails with DNSLookupError if its address is not for us."""
        return super().getHostByName(name, timeout).addCallback(self.checked, name)

    def checked(self, address: str, name: str) -> str:
        """The address of a name.

        Raises:
            DNSLookupError: it is of this machine or this network, and the operator has not named it.

        """
        ours = [(allowed, service_hosts(crawler)) for crawler in self.crawlers if (allowed := reach(crawler))]
        if not ours or is_public(address) or any(name in site.trusted | own.trusted for site, own in ours):
            return address
        logger.warning("%s has the address %s, which is not of the internet: it is not asked", name, address)
        raise DNSLookupError(f"{name} has the address {address}")


class Decompression(HttpCompressionMiddleware):
    """Scrapy's, but an answer that grows too large fails as any other that is too large."""

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Decompress an answer.

        Raises:
            DownloadCancelledError: it grows over `RFI_PAGE_BYTES`.

        """
        try:
            return super().process_response(request, response)
        except IgnoreRequest as error:
            raise DownloadCancelledError("the answer is too large once it is decompressed") from error


def _without_user(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]

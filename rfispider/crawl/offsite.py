"""What keeps a crawl on the site, whatever a page, a redirect or a name server says."""

import logging
from collections.abc import Collection
from functools import cached_property
from ipaddress import IPv6Address
from typing import Any
from urllib.request import getproxies

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import DNSLookupError

from rfispider.crawl.allowlist import Allowlist, ip_of, is_public
from rfispider.setting_values import base_url

logger = logging.getLogger(__name__)

MIN_STATUS, MAX_STATUS = 100, 599
"""Status codes that HTTP defines (RFC 9110, 15)."""


def crawl_allowlist(crawler: Crawler) -> Allowlist | None:
    """What a crawl may connect to: the site and what its operator has named; None for a spider that is not ours."""
    arguments = getattr(crawler.spider, "arguments", None)
    return arguments and Allowlist.of(trusted=[base_url(crawler.settings)], others=arguments.sources)


def service_allowlist(crawler: Crawler) -> Allowlist:
    """What does not belong to the site and works for us: the renderer, proxies."""
    proxies = [url if "://" in url else f"http://{url}" for url in getproxies().values()]
    return Allowlist.of(trusted=[_without_user(url) for url in (crawler.settings["SPLASH_URL"] or "", *proxies)])


class OffsiteGuard:
    """A downloader middleware: no request leaves for what the crawl was not allowed to reach, redirects included."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @cached_property
    def site(self) -> Allowlist | None:
        """What may be requested."""
        return crawl_allowlist(self.crawler)

    @cached_property
    def services(self) -> Allowlist:
        """What a render may request besides."""
        return service_allowlist(self.crawler)

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
            raise IgnoreRequest("not requested: the URL is not of the site")

    def process_response(self, response: Response, **_: Any) -> Response:
        """Let a response pass.

        Raises:
            DownloadCancelledError: HTTP does not define its status.

        """
        if not MIN_STATUS <= response.status <= MAX_STATUS:
            raise DownloadCancelledError("the response has a status that HTTP does not define")
        return response

    def allows(self, request: Request) -> bool:
        """Whether a request may be made."""
        if self.site is None or self.site.allows(request.url):
            return True
        if request.meta.get("allow_offsite") and request.url == "data:,":
            return True  # an archive is read, nothing is fetched
        return bool(request.meta.get("rendering")) and self.services.allows(request.url)


class Resolver(CachingThreadedResolver):
    """Resolves names to public addresses only, unless the operator has named the host.

    The address that it returns is the one connected to: a name that changes its address in between gains nothing.
    """

    crawlers: Collection[Crawler]

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> "Resolver":
        """Take the crawlers, whose settings and arguments say which hosts are the operator's."""
        resolver = super().from_crawler(crawler, reactor)
        # One resolver serves the whole process: Scrapy passes its CrawlerProcess here, whatever the name says.
        resolver.crawlers = crawler.crawlers if hasattr(crawler, "crawlers") else [crawler]
        return resolver

    def getHostByName(self, name: str, timeout: Any = ()) -> "Deferred[str]":  # noqa: N802 - as Twisted has it
        """Resolve a name; fails with DNSLookupError if its address is not public and the operator has not named it."""
        # The system's look-up, which Scrapy's resolver calls, knows IPv4 only.
        is_ipv6 = isinstance(ip_of(name), IPv6Address)
        address: Deferred[str] = succeed(name) if is_ipv6 else super().getHostByName(name, timeout)
        return address.addCallback(self.checked, name)

    def checked(self, address: str, name: str) -> str:
        """The address of a name, if it may be connected to.

        Raises:
            DNSLookupError: it is of this machine or this network, and the operator has not named it.

        """
        crawls = [(site, service_allowlist(crawler)) for crawler in self.crawlers if (site := crawl_allowlist(crawler))]
        trusted = {host for allowlists in crawls for allowlist in allowlists for host in allowlist.trusted}
        if not crawls or is_public(address) or name in trusted:
            return address
        logger.warning("%s resolves to %s, which is not a public address: no request is made", name, address)
        raise DNSLookupError(f"{name} has the address {address}")


def _without_user(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return scheme + separator + rest.rpartition("@")[2]

"""A plain Scrapy spider, as one is written in an afternoon; run by `again.py` in an environment without our settings.

    scrapy runspider plain.py -a base=http://127.0.0.1:8099 -a starts=URL,URL [-s HTTPCACHE_ENABLED=1 ...]

It begins at the same sources as ours, and follows the articles of lists, related blocks and topics, the topics, and
the pages of lists.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.http import Response, TextResponse, XmlResponse
from scrapy.linkextractors import LinkExtractor

ARTICLE = re.compile(r"/\d{8}-[^/]+$")
TOPIC = re.compile(r"/tag/")
LISTS = "[data-article-list], .m-pagination"
ENTRIES = "//*[local-name()='item']/*[local-name()='link']/text()|//*[local-name()='url']/*[local-name()='loc']/text()"


class Plain(Spider):
    """Follows articles and the pages of lists."""

    name = "plain"
    custom_settings = {  # noqa: RUF012 - as Scrapy wants it
        "CONCURRENT_REQUESTS": 16,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "DOWNLOAD_DELAY": 0,
        "REMOTE_CONTROL_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
    }

    def __init__(self, base: str, starts: str) -> None:
        super().__init__()
        self.base, self.starts = base, starts.split(",")
        hosts = [urlsplit(base).hostname or "", "www.rfi.fr"]
        self.named = LinkExtractor(allow=[ARTICLE, TOPIC], allow_domains=hosts)
        self.listed = LinkExtractor(restrict_css=LISTS, allow_domains=hosts)

    async def start(self) -> AsyncIterator[Request]:
        """Ask for the sources."""
        for url in self.starts:
            yield Request(self.here(url))

    def here(self, url: str) -> str:
        """The address on the replica."""
        parts = urlsplit(url)
        return f"{self.base}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    def parse(self, response: Response, **_: Any) -> Iterator[Request]:
        """Follow the links of any page."""
        if isinstance(response, XmlResponse):
            found = [url.strip() for url in response.xpath(ENTRIES).getall()]
        elif isinstance(response, TextResponse):
            links = [*self.named.extract_links(response), *self.listed.extract_links(response)]
            found = [link.url for link in links]
        else:
            return
        for url in dict.fromkeys(found):
            yield Request(self.here(url))

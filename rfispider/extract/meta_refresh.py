"""Where a page that is no article sends its readers: `<meta http-equiv="refresh">`."""

from typing import Final

from w3lib.html import get_meta_refresh

from rfispider.feeds.encoding import utf8
from rfispider.items import Page
from rfispider.site import urls

HEAD_BYTES: Final = 16_384
"""Bytes in which a page moves its readers on, if it does: such a page has next to nothing else."""


def refresh_target(page: Page) -> str | None:
    """The canonical URL of the article that a page moves to; None when it moves to none.

    >>> from datetime import UTC, datetime
    >>> from rfispider.items import Origin, Page
    >>> url, fetched_at = "https://www.rfi.fr/en/africa/20260301-a-ferry", datetime(2026, 3, 2, tzinfo=UTC)
    >>> body = b'<html><head><meta http-equiv="refresh" content="0; url=/en/africa/20260301-a-ship"></head></html>'
    >>> refresh_target(Page(url=url, body=body, origin=Origin.PAGE, fetched_at=fetched_at))
    'https://www.rfi.fr/en/africa/20260301-a-ship'
    """
    html = utf8(page.body[:HEAD_BYTES], page.encoding).decode("utf-8", "replace")
    _, address = get_meta_refresh(html, baseurl=page.url)
    target = urls.canonical(address) if address else page.url
    if target == page.url or not urls.is_article(urls.kind(target)):
        return None
    return target

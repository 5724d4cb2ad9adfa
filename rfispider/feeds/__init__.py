"""Feeds, sitemaps and archived entries: bytes or text in, entries out.

Nothing here fetches, waits or knows the time; only `documents` reads files. Whatever the input, the only
exception that leaves this package is `FeedError`, and the time spent is bounded by the size limits.
"""

from rfispider.feeds.archived import archived
from rfispider.feeds.documents import documents
from rfispider.feeds.feed import Feed, FeedError
from rfispider.feeds.sitemaps import Sitemap, sitemap
from rfispider.feeds.syndication import entries

__all__ = ["Feed", "FeedError", "Sitemap", "archived", "documents", "entries", "sitemap"]

"""Feeds, sitemaps and archived entries: bytes or text in, entries out.

Nothing here fetches, waits or knows the time; only `dump_files` reads files. Whatever the input, the only
exception that leaves this package is `FeedError`, and the time spent is bounded by the size limits.
"""

from rfispider.feeds.dump import archived
from rfispider.feeds.dump_files import documents
from rfispider.feeds.parse import entries
from rfispider.feeds.result import FeedError, ParsedFeed
from rfispider.feeds.sitemap import Sitemap, is_sitemap, sitemap

__all__ = ["FeedError", "ParsedFeed", "Sitemap", "archived", "documents", "entries", "is_sitemap", "sitemap"]

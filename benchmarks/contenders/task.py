"""What every contender is told, and how it keeps an article; needs nothing but pymongo.

    CONTENDER.py BASE URI DATABASE PAGES

The site at BASE lists its pages in `/cn/rss`; the first PAGES are fetched, at most `IN_FLIGHT` at a time, and what
is read from them is upserted into `articles` of DATABASE with the fields url, title, lead, text, published_at, image.
"""

import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pymongo

IN_FLIGHT = int(os.environ.get("IN_FLIGHT", "16"))
FIELDS = ("url", "title", "lead", "text", "published_at", "image")
SITE = "https://www.rfi.fr"


@dataclass(frozen=True)
class Task:
    """One contender's job."""

    base: str
    uri: str
    database: str
    pages: int

    @classmethod
    def given(cls) -> "Task":
        """The job as the command line tells it."""
        base, uri, database, pages = sys.argv[1:5]
        return cls(base, uri, database, int(pages))

    @property
    def feed(self) -> str:
        """Address of the feed."""
        return f"{self.base}/cn/rss"

    def listed(self, feed: str) -> list[str]:
        """Where the pages that a feed lists are fetched from."""
        links = re.findall(r"<item>.*?<link>(\S+?)</link>", feed, re.DOTALL)
        return [link.replace(SITE, self.base) for link in links][: self.pages]

    def urls(self) -> list[str]:
        """Where the pages are fetched from; asks for the feed."""
        with urllib.request.urlopen(self.feed) as answer:
            return self.listed(answer.read().decode())

    def articles(self) -> "pymongo.collection.Collection[dict[str, Any]]":
        """The collection that articles are kept in; its server's default write concern, as a tutorial leaves it."""
        return pymongo.MongoClient[dict[str, Any]](self.uri)[self.database]["articles"]


def document(base: str, url: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """The article as it is stored: canonical URL, times in UTC, None where nothing was found."""
    return {**dict.fromkeys(FIELDS), **found, "url": url.replace(base, SITE)}


def upsert(articles: "pymongo.collection.Collection[dict[str, Any]]", article: Mapping[str, Any]) -> None:
    """Keep an article under its URL."""
    articles.update_one({"_id": article["url"]}, {"$set": article}, upsert=True)


def utc(value: Any) -> datetime | None:
    """A time in UTC; one without a zone is taken to be in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

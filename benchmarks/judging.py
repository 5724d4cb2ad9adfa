"""How right stored articles are, whoever stored them: each field against the truth about its page."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from statistics import mean
from typing import Any
from urllib.parse import unquote, urlsplit

import stage

FIELDS = ("title", "lead", "published_at", "image")


@dataclass
class Marks:
    """How a contender's articles compare with the truth."""

    asked: int
    found: int = 0
    doubles: int = 0
    """Documents beyond the first of one article."""
    strangers: int = 0
    """Documents that are no article of the site."""
    f1: float = 0.0
    """Of the body, mean over all that was asked for; 0 for what is missing."""
    right: dict[str, float] = field(default_factory=dict)
    """Share of right values, by field, over the pages that have one."""

    @property
    def missed(self) -> int:
        """Articles that are not stored."""
        return self.asked - self.found

    @property
    def fields(self) -> float:
        """Share of right values over all fields but the body."""
        return mean(self.right.values()) if self.right else 0.0


def judge(truths: list[dict[str, Any]], documents: Iterable[Mapping[str, Any]]) -> Marks:
    """Compare documents with the truths, which tell url, title, text, lead, published_at and image."""
    marks = Marks(len(truths))
    wanted = {path(truth["url"]) for truth in truths}
    stored: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        ways = {path(url) for url in (document["url"], *(document.get("aliases") or ()))} & wanted
        marks.strangers += not ways
        marks.doubles += bool(ways & stored.keys())
        stored |= dict.fromkeys(ways, document)
    marks.found = len(stored)
    marks.f1 = mean(stage.f1(stored.get(path(each["url"]), {}).get("text") or "", each["text"]) for each in truths)
    for name in FIELDS:
        pairs = [(each, stored.get(path(each["url"]), {})) for each in truths if each[name]]
        marks.right[name] = mean(value(name, each) == value(name, got) for each, got in pairs) if pairs else 1.0
    return marks


def value(name: str, told: Mapping[str, Any]) -> str | None:
    """A field in the form in which it is compared."""
    found = told.get(name)
    if name == "published_at":
        return found.strftime("%Y-%m-%dT%H:%M") if isinstance(found, datetime) else found
    if name == "image":
        found = found or ((told.get("images") or [{}])[0].get("url"))
        return re.sub(r"/w:\d+/", "/", found) if found else None  # the same picture in another size
    return squashed(unescape(found)) if found else None


def squashed(text: str) -> str:
    """Text on one line, in one form of Unicode."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def path(url: str) -> str:
    """What tells articles of the site apart, however the URL is written."""
    return re.sub(r"/+", "/", unquote(urlsplit(url).path)).rstrip("/")

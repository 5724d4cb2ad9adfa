"""What `scrapy crawl rfi -a name=value ...` accepts, checked before anything starts."""

from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Self

from rfispider.site.editions import EDITIONS


class ArgumentError(ValueError):
    """An argument that cannot be used; the message names it and what would be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one crawl."""

    editions: tuple[str, ...] = ("cn",)
    """Edition codes, in the order given; all of them when `sources` or `archive` is given without."""
    depth: int = 2
    """Related-link hops from a source; 0 follows none, -1 knows no limit."""
    since: date | None = None
    """First day (UTC) of a backfill through archive pages and monthly sitemaps."""
    until: date | None = None
    """Its last day; None is today."""
    archive: Path | None = None
    """Archived feed entries to read instead of the network: a document, a directory or a packed one."""
    follow: bool = False
    """Whether to stay for what comes due, instead of ending when nothing is."""
    sources: tuple[str, ...] = ()
    """Feed, sitemap or list URLs to start from instead of the built-in ones."""

    @classmethod
    def parse(cls, given: dict[str, str]) -> Self:
        """Read the arguments as typed, name -> value.

        Raises:
            ArgumentError: an unknown name, or a value that cannot be read.

        """
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                raise ArgumentError(f"unknown argument {name!r}: known are {', '.join(known)}")
        read: dict[str, Any] = {name: READERS[name](name, value) for name, value in given.items()}
        if "editions" not in read and ("sources" in read or "archive" in read):
            read["editions"] = tuple(EDITIONS)
        arguments = cls(**read)
        if arguments.until and not (arguments.since and arguments.since <= arguments.until):
            raise ArgumentError(f"until: {given['until']} needs a since that is not later")
        return arguments

    @property
    def is_offline(self) -> bool:
        """Whether the crawl fetches nothing: archived entries whose related links are not followed."""
        return self.archive is not None and self.depth == 0

    @property
    def max_depth(self) -> int | None:
        """The depth; None is no limit."""
        return None if self.depth < 0 else self.depth

    def reaches(self, depth: int) -> bool:
        """Whether a page this many related-link hops away is still asked for."""
        return self.depth < 0 or depth <= self.depth


def _editions(name: str, value: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(_items(value)))
    if codes == ("all",):
        return tuple(EDITIONS)
    unknown = [code for code in codes if code not in EDITIONS]
    if unknown or not codes:
        wrong = f"unknown edition {', '.join(map(repr, unknown))}" if unknown else "no edition"
        raise ArgumentError(f"{name}: {wrong}: there are {' '.join(EDITIONS)}, or all")
    return codes


def _depth(name: str, value: str) -> int:
    try:
        depth = int(value)
    except ValueError:
        depth = -2
    if depth < -1:
        raise ArgumentError(f"{name}: {value!r} is not a number of hops: 0 follows none, -1 knows no limit")
    return depth


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ArgumentError(f"{name}: {value!r} is not a day: write it as YYYY-MM-DD") from None


def _path(name: str, value: str) -> Path:
    path = Path(value).expanduser()
    if not path.exists():
        raise ArgumentError(f"{name}: there is no file or directory {value}")
    return path.resolve()


def _flag(name: str, value: str) -> bool:
    if value not in {"0", "1"}:
        raise ArgumentError(f"{name}: {value!r} is neither 0 nor 1")
    return value == "1"


def _urls(name: str, value: str) -> tuple[str, ...]:
    urls = tuple(_items(value))
    wrong = [url for url in urls if not url.startswith(("http://", "https://"))]
    if wrong or not urls:
        raise ArgumentError(f"{name}: {', '.join(wrong) or 'nothing'} is not an http(s) URL")
    return urls


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


READERS = {
    "editions": _editions,
    "depth": _depth,
    "since": _day,
    "until": _day,
    "follow": _flag,
    "archive": _path,
    "sources": _urls,
}

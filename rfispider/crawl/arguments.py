"""What `scrapy crawl rfi -a name=value ...` accepts, checked before anything starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

from rfispider.site.editions import EDITIONS


class ArgumentError(ValueError):
    """An argument that cannot be used; the message names it and what would be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one crawl."""

    editions: tuple[str, ...] = ("cn",)
    """Edition codes, in the order given; all of them when `sources` or `archive` is given without."""
    depth: int = 2
    """Related-link hops from a source; 0 follows none, -1 is no limit."""
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
    def parse(cls, texts: Mapping[str, str]) -> Self:
        """Read the arguments as typed on the command line, name -> text.

        Raises:
            ArgumentError: an unknown name, or a value that cannot be read.

        """
        values = {name: _parser(name)(name, text) for name, text in texts.items()}
        if values.keys() & {"sources", "archive"}:
            values.setdefault("editions", tuple(EDITIONS))
        return cls(**values)

    def __post_init__(self) -> None:
        """Check what the arguments mean together.

        Raises:
            ArgumentError: the days of the backfill are none.

        """
        if self.until and not (self.since and self.since <= self.until):
            raise ArgumentError(f"until: {self.until} needs a since that is not later")

    @property
    def is_offline(self) -> bool:
        """Whether the crawl fetches nothing: archived entries whose related links are not followed."""
        return self.archive is not None and self.depth == 0

    @property
    def max_depth(self) -> int | None:
        """The depth; None is no limit."""
        return None if self.depth < 0 else self.depth

    def reaches(self, depth: int) -> bool:
        """Whether a page this many related-link hops away is still fetched."""
        return self.depth < 0 or depth <= self.depth


def _parser(name: str) -> Callable[[str, str], Any]:
    if name not in PARSERS:
        raise ArgumentError(f"unknown argument {name!r}: known are {', '.join(PARSERS)}")
    return PARSERS[name]


def _editions(name: str, value: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(_items(value)))
    if codes == ("all",):
        return tuple(EDITIONS)
    unknown = [code for code in codes if code not in EDITIONS]
    if unknown or not codes:
        problem = f"unknown edition {', '.join(map(repr, unknown))}" if unknown else "no edition"
        raise ArgumentError(f"{name}: {problem}: there are {' '.join(EDITIONS)}, or all")
    return codes


def _depth(name: str, value: str) -> int:
    try:
        depth = int(value)
    except ValueError:
        depth = -2
    if depth < -1:
        raise ArgumentError(f"{name}: {value!r} is not a number of hops: 0 follows none, -1 is no limit")
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
    invalid = [url for url in urls if not url.startswith(("http://", "https://"))]
    if invalid or not urls:
        raise ArgumentError(f"{name}: {', '.join(invalid) or 'nothing'} is not an http(s) URL")
    if any("@" in url.split("/")[2] for url in urls):
        # Not quoted, for what is before the @ may be a secret; the record of the run would keep it.
        raise ArgumentError(f"{name}: a URL that names a user is never requested")
    return urls


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


PARSERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "editions": _editions,
    "depth": _depth,
    "since": _day,
    "until": _day,
    "follow": _flag,
    "archive": _path,
    "sources": _urls,
}
"""Name of each argument -> what reads its text; all raise ArgumentError."""

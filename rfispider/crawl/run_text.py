"""What a run tells people: what it is about to do, how it is going, what came of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rfispider.items import Outcome
from rfispider.setting_values import base_url, in_flight, renderer, request_rate
from rfispider.site.hosts import SITE
from rfispider.text import readable_urls

TABLE_COLUMNS = 160
"""Longest line of the table, in characters; a log is not wrapped."""

BLOCKED = (Outcome.BLOCKED, Outcome.STUB)
"""Outcomes of pages that were refused."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TEN = 10
"""Below so many seconds tenths are shown, below so many minutes seconds."""
_KB = 1000


def group(stats: Mapping[str, Any], prefix: str) -> dict[str, int]:
    """The counters under a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in sorted(stats.items()) if name.startswith(prefix)}


def by_edition(stats: Mapping[str, Any], prefix: str) -> dict[str, dict[str, int]]:
    """The counters under a prefix, by edition and name."""
    counted: dict[str, dict[str, int]] = {}
    for rest, value in group(stats, prefix).items():
        edition, _, name = rest.partition("/")
        counted.setdefault(edition, {})[name] = value
    return counted


# ---- the beginning ---------------------------------------------------------------------------------------


def intention(arguments: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What a run is about to do, in one line."""
    rate = request_rate(settings)
    pace = f"at {rate:g} request{'' if rate == 1 else 's'} a second" if rate else "without a rate limit"
    sources = ", ".join(readable_urls(url) for url in arguments["sources"])
    origin = arguments["archive"] or sources or f"{base_url(settings) or SITE} {pace}"
    return f"{' '.join(arguments['editions'])} from {origin}, depth {arguments['depth']}"


def means(settings: Mapping[str, Any], *, follow: bool) -> str:
    """The settings of a run that a person may want to change, in one line."""
    parts = [
        f"{in_flight(settings)} in flight",
        f"lists up to {settings['RFI_LIST_PAGES']} pages" if str(settings["RFI_LIST_PAGES"]) != "0" else "whole lists",
        "topics followed" if str(settings["RFI_FOLLOW_TOPICS"]) == "1" else "",
        f"rendering by {kind}" if (kind := renderer(settings)) else "no rendering",
        "until it is stopped" if follow else "until nothing is due",
    ]
    return f"as {settings['USER_AGENT']}; {', '.join(filter(None, parts))}"


def place(hosts: str, database: str, *, embedded: bool) -> str:
    """Where a run stores, without a secret."""
    return f"into the database {database} of {'the embedded MongoDB' if embedded else 'MongoDB'} at {hosts}"


# ---- on the way ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What the frontier holds for a run."""

    due: Mapping[str, int]
    """URLs that may be fetched now, by edition."""
    leased_elsewhere: int = 0
    """URLs leased by other workers."""
    next_in_s: float | None = None
    """Seconds until something comes due; None = nothing is planned."""
    counted_to: int = 0
    """Where counting stopped; 0 = everything was counted."""
    refusing: Sequence[str] = ()
    """Hosts that serve no pages at present."""

    @property
    def total(self) -> int:
        """URLs that are due, as far as they were counted."""
        return sum(self.due.values())

    def __str__(self) -> str:
        """In one line: `1,203 due (cn 1,200, fr 3), 16 leased by other workers`."""
        counts = ", ".join(f"{edition} {count:,}" for edition, count in self.due.items() if count)
        is_partial = self.counted_to and self.total >= self.counted_to
        parts = [f"{'over ' if is_partial else ''}{self.total:,} due" + (f" ({counts})" if counts else "")]
        if self.leased_elsewhere:
            parts.append(f"{self.leased_elsewhere:,} leased by other workers")
        if not self.total and self.next_in_s is not None:
            parts.append(f"next in {duration(self.next_in_s)}")
        return ", ".join(parts)


def start(place: str, backlog: Backlog) -> str:
    """Where a run stores and what is due when it starts, in one line."""
    return f"{place}; at the start {backlog}"


def done(stats: Mapping[str, Any]) -> int:
    """Visits that are over: sources and pages."""
    return sum(group(stats, "outcome/").values()) + sum(group(stats, "source/").values())


def progress(stats: Mapping[str, Any], backlog: Backlog, rate: float) -> str:
    """How a run is going, in one line; `rate` is in visits a second."""
    blocked = sum(stats.get(f"outcome/{outcome}", 0) for outcome in BLOCKED)
    parts = [f"{rate:.1f} a second", f"{done(stats):,} done", str(backlog), f"{blocked:,} blocked"]
    if backlog.refusing:
        parts.append(f"no pages from {', '.join(backlog.refusing)} at present")
    if backlog.total and rate:
        parts.append(f"{duration(backlog.total / rate)} left for what is due")
    return f"{'; '.join(parts)}; so far {totals(stats)}"


def totals(stats: Mapping[str, Any]) -> str:
    """Sources and outcomes as a person reads them."""
    sources, outcomes = group(stats, "source/"), group(stats, "outcome/")
    return f"{counted('source', sources)}; {counted('page', outcomes)}"


def counted(noun: str, counts: Mapping[str, int]) -> str:
    """How many there are of something, and of each kind: `2 sources (1 read, 1 failed)`."""
    total = sum(counts.values())
    parts = ", ".join(f"{value} {name}" for name, value in counts.items())
    return f"{total} {noun}{'' if total == 1 else 's'}" + (f" ({parts})" if parts else "")


# ---- the end ---------------------------------------------------------------------------------------------


def ended(reason: str, seconds: float, stats: Mapping[str, Any]) -> str:
    """How a run ended and what came of it, in one line."""
    return f"{reason} after {duration(seconds)}: {totals(stats)}"


def traffic(stats: Mapping[str, Any]) -> str:
    """The requests of a run and the bytes that it received, in one line."""
    requests = stats.get("downloader/request_count", 0)
    unchanged = stats.get("downloader/response_status_count/304", 0)
    # No request is made where robots.txt or the circuit breaker forbids it.
    not_made = stats.get("downloader/exception_type_count/scrapy.exceptions.IgnoreRequest", 0)
    errors = stats.get("downloader/exception_count", 0) - not_made
    parts = [f"{requests:,} request{'' if requests == 1 else 's'}", f"{unchanged:,} answered 304"]
    parts += [f"{errors:,} without an answer"] if errors else []
    return f"{', '.join(parts)}, {size(stats.get('downloader/response_bytes', 0))} received"


def summary(stats: Mapping[str, Any]) -> str:
    """The outcomes by edition as a table of plain text, and the traffic; several lines."""
    outcomes, editions = group(stats, "outcome/"), by_edition(stats, "edition/")
    table = Table(box=SIMPLE_HEAD, show_footer=True, pad_edge=False)
    table.add_column("edition", footer="all")
    for outcome, total in outcomes.items():
        table.add_column(outcome.partition("/")[2], justify="right", footer=f"{total:,}")
    for edition, counts in sorted(editions.items()):
        table.add_row(edition, *(f"{counts[name]:,}" if name in counts else "" for name in outcomes))
    return f"{plain(table)}\n{traffic(stats)}" if outcomes else traffic(stats)


def plain(table: Table) -> str:
    """A table without colours, whatever the terminal."""
    console = Console(file=StringIO(), width=TABLE_COLUMNS, no_color=True, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip())


def duration(seconds: float) -> str:
    """A duration in one or two units.

    >>> [duration(seconds) for seconds in (0.25, 95, 150, 7300, 200_000)]
    ['0.2 s', '95 s', '2 min 30 s', '2 h 1 min', '2 days']
    """
    whole = round(seconds)
    if seconds < _TEN:
        return f"{seconds:.1f} s"
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < 2 * _HOUR:
        minutes, rest = divmod(whole, _MINUTE)
        return f"{minutes} min {rest} s" if minutes < _TEN and rest else f"{minutes} min"
    if whole < 2 * _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} days"


def size(count: float) -> str:
    """A number of bytes in a unit that fits it."""
    unit = "B"
    for unit in ("B", "kB", "MB", "GB"):
        if count < _KB or unit == "GB":
            break
        count /= _KB
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"

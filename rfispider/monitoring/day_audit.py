"""What became of the articles of a day: which are in the archive, and why the others are not. Pure.

An article belongs to the day that its URL names, and to the days (UTC) on which a source or the article itself says
that it was published. Each article has exactly one fate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from rfispider.frontier.policy.revisit import Gap, State
from rfispider.items import Outcome, Status


class Fate(StrEnum):
    """Where an article of a day stands."""

    STORED = "stored"
    STUB = "stub"
    """Only what a source said of it is stored: its page was refused."""
    BLOCKED = "blocked"
    FAILED = "failed"
    WAITING = "waiting"
    """Not fetched yet."""
    GONE = "gone"
    """The site has removed it; if it was stored before, its last text is kept."""


MISSING_FATES = (Fate.STUB, Fate.BLOCKED, Fate.FAILED, Fate.WAITING)
"""Fates of articles that are not in the archive though the site may still have them."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AuditFinding:
    """An article of the day and what became of it."""

    edition: str
    url: str
    fate: Fate
    why: str = ""
    """Why it is not stored, in one line; empty when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageGap:
    """A source, and a span of time in which it may have listed something that nobody saw."""

    edition: str
    url: str
    gap: Gap
    open: bool = False
    """The source has not been read since, so the end is the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is known of one day."""

    day: date
    editions: tuple[str, ...]
    findings: list[AuditFinding] = field(default_factory=list)
    """In order of edition and URL."""
    gaps: list[CoverageGap] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, dict[Fate, int]]:
        """Edition -> fate -> articles; every edition in which anything was seen."""
        counts: dict[str, dict[Fate, int]] = {}
        for finding in self.findings:
            fates = counts.setdefault(finding.edition, dict.fromkeys(Fate, 0))
            fates[finding.fate] += 1
        return counts

    @property
    def missing(self) -> list[AuditFinding]:
        """The articles that are not stored though the site may still have them."""
        return [finding for finding in self.findings if finding.fate in MISSING_FATES]

    @property
    def is_complete(self) -> bool:
        """Whether something was seen of the day, all of it is stored or gone, and no source has a gap."""
        return bool(self.findings) and not self.missing and not self.gaps


_ARTICLES = {Status.STUB: Fate.STUB, Status.GONE: Fate.GONE}

_VISITS = {Outcome.GONE: Fate.GONE, Outcome.BLOCKED: Fate.BLOCKED, Outcome.STUB: Fate.BLOCKED}

_WAITS = frozenset({State.DUE, State.LEASED})


def fate(status: str | None, visit: Mapping[str, Any] | None) -> tuple[Fate, str] | None:
    """What became of an article, and why it is not stored; None for a page that turned out to be none.

    `status` is that of the stored article, None when there is none; `visit` the document of the frontier, None when
    the URL was never to be fetched (an archive was imported). Not both are None.
    """
    last = (visit or {}).get("last") or {}
    if status is not None:
        fate_of_stored = _ARTICLES.get(Status(status), Fate.STORED)
        return fate_of_stored, _why(last, "the page was not fetched") if fate_of_stored is Fate.STUB else ""
    return _unstored(visit or {}, last)


def _unstored(visit: Mapping[str, Any], last: Mapping[str, Any]) -> tuple[Fate, str] | None:
    if not last or visit["state"] in _WAITS:
        return Fate.WAITING, _waiting_for(visit, last)
    outcome = Outcome(last["outcome"])
    if outcome is Outcome.NOT_ARTICLE:
        return None
    if outcome is Outcome.GONE and visit["state"] != State.GONE:
        return Fate.FAILED, f"answered {last.get('status')} once; will be fetched again"
    if outcome in _VISITS:
        return _VISITS[outcome], _why(last, "the site refused it")
    if outcome in {Outcome.FAILED, Outcome.EMPTY}:
        return Fate.FAILED, _why(last, "nothing could be read from it")
    return Fate.FAILED, f"{outcome.value} at {_utc_minute(last.get('at'))}, yet the archive does not hold it"


def _why(last: Mapping[str, Any], otherwise: str) -> str:
    status = last.get("status")
    return str(last.get("error") or (f"answered {status}" if status else otherwise))


def _waiting_for(visit: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    if visit.get("state") == State.LEASED:
        return f"is being fetched by {visit['lease']['worker']}"
    waits = f"due since {_utc_minute(visit.get('due_at'))}"
    return f"{waits}; last: {_why(last, '-')}" if last else waits


def _utc_minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "an unknown time"

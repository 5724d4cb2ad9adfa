"""Who gets how much of a claim: sources, news and backfill of every edition take turns. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rfispider.frontier.policy.priorities import BACKFILL, PRIORITIES
from rfispider.frontier.records import Document
from rfispider.items import SOURCE_KINDS, Kind


class Band(StrEnum):
    """What competes for the requests of a crawl."""

    SOURCES = "sources"
    NEWS = "news"
    BACKFILL = "backfill"


BAND_WEIGHTS = {Band.SOURCES: 3, Band.NEWS: 6, Band.BACKFILL: 1}
"""Turns in ten when everything has work: of one request a second, sources get 18 a minute, the news 36 and a
backfill 6. A band without work leaves its turns to the others."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The URLs of one band of one edition."""

    edition: str | None
    band: Band


def lane(edition: str | None, kind: str, priority: int) -> Lane:
    """The lane that a URL waits in: a negative priority marks a backfill."""
    if priority < 0:
        return Lane(edition, Band.BACKFILL)
    return Lane(edition, Band.SOURCES if kind in SOURCE_KINDS else Band.NEWS)


def by_priority(editions: Iterable[str | None], kinds: Collection[Kind]) -> dict[Lane, Document]:
    """The filter of every lane of these editions and kinds, without a due time.

    The index gives each in order of priority and due time, without sorting.
    """
    return _filters(editions, kinds, {"$gte": 0}, {"$lt": 0})


def by_due_time(editions: Iterable[str | None], kinds: Collection[Kind]) -> dict[Lane, Document]:
    """The same, in such a form that the index gives each in order of the due time alone: one point a priority."""
    front = sorted(PRIORITIES - {BACKFILL}, reverse=True)
    return _filters(editions, kinds, {"$in": front}, {"$in": [BACKFILL]})


def _filters(
    editions: Iterable[str | None], kinds: Collection[Kind], front: Document, back: Document
) -> dict[Lane, Document]:
    bands = {
        Band.SOURCES: (SOURCE_KINDS & set(kinds), front),
        Band.NEWS: (set(kinds) - SOURCE_KINDS, front),
        Band.BACKFILL: (set(kinds), back),
    }
    return {
        Lane(edition, band): {"edition": edition, "kind": {"$in": sorted(of_band)}, "priority": priorities}
        for edition in editions
        for band, (of_band, priorities) in bands.items()
        if of_band
    }


@dataclass(slots=True)
class Turns:
    """Whose turn it is, carried from claim to claim so that shares hold for small claims too."""

    credits: dict[Lane, float]

    def deal(self, waiting: Mapping[Lane, Sequence[str]], n: int) -> list[str]:
        """Pick up to n keys, each lane's from its front, by smooth weighted round robin.

        (The algorithm of nginx's upstream balancer: every lane earns its weight each turn, the richest one pays.)
        """
        queues = {lane: list(reversed(keys)) for lane, keys in waiting.items() if keys}
        # A lane that had no work must not come back with the turns it could not use.
        self.credits = {lane: self.credits.get(lane, 0.0) for lane in queues}
        picked: list[str] = []
        while queues and len(picked) < n:
            richest = self._turn(queues)
            picked.append(queues[richest].pop())
            if not queues[richest]:
                del queues[richest]
        return picked

    def _turn(self, lanes: Collection[Lane]) -> Lane:
        for lane in lanes:
            self.credits[lane] += BAND_WEIGHTS[lane.band]
        richest = max(lanes, key=self.credits.__getitem__)
        self.credits[richest] -= sum(BAND_WEIGHTS[lane.band] for lane in lanes)
        return richest

"""Kept pages are read again by this version of the extractor, on all cores; what would change is known before."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from pebble import ProcessPool

from rfispider import extract, storage
from rfispider.concurrency.process_pool import ParserKilled, carried_out
from rfispider.items import Article, Outcome, Rejection
from rfispider.storage import KeptPage, Raw
from rfispider.storage.policy.versioning import Decision, decide

PAGE_S: Final = 20.0
"""Seconds after which the process that reads a page is killed: the worst of a thousand real pages took 1.2."""


@dataclass(frozen=True, slots=True)
class ReparseResult:
    """What a page gave this time."""

    kept: KeptPage
    article: Article | None
    decision: Decision | None
    """What is to be stored; None when no article was read."""
    problem: str = ""
    """Why none was, in one line."""

    @property
    def fields(self) -> Sequence[str]:
        """The fields that a reader will see changed."""
        return self.decision.changed if self.decision else ()

    @property
    def touched(self) -> Sequence[str]:
        """The fields that get another value, seen or not."""
        return self.decision.updated if self.decision else ()

    @property
    def is_new(self) -> bool:
        """Whether the page gave no article before."""
        return self.decision is not None and self.kept.stored is None


class ReparserPool:
    """Processes that read pages, in a `with` block. One that hangs or dies costs its page only."""

    def __init__(
        self,
        workers: int | None = None,
        seconds: float = PAGE_S,
        reader: Callable[[Raw], Article | Rejection] | None = None,
    ) -> None:
        """Say how many (all cores when it is not said), how long a page may take, and what reads it (`read`)."""
        self._workers = workers or len(os.sched_getaffinity(0))
        self._seconds = seconds
        self._reader = reader or read

    def __enter__(self) -> Self:
        self._pool = ProcessPool(self._workers, context=multiprocessing.get_context("spawn"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._pool.close()  # type: ignore[no-untyped-call] # pebble left the type out
        else:
            self._pool.stop()  # type: ignore[no-untyped-call] # likewise
        self._pool.join()

    async def read(self, kept: Sequence[KeptPage], at: datetime) -> list[ReparseResult]:
        """Read pages; `at` is when (UTC)."""
        return list(await asyncio.gather(*(self._read(each, at) for each in kept)))

    async def _read(self, kept: KeptPage, at: datetime) -> ReparseResult:
        try:
            found = await carried_out(self._pool, self._seconds, self._reader, kept.raw)
        except ParserKilled as killed:
            return ReparseResult(kept, None, None, str(killed))
        except Exception as error:  # noqa: BLE001 - a damaged page may fail in any way; it is told, and costs itself only
            return ReparseResult(kept, None, None, f"{type(error).__name__}: {error}")
        return judged(kept, found, at)


def read(raw: Raw) -> Article | Rejection:
    """What a page gives, in a process of its own; the page comes as it is kept."""
    return extract.article(storage.decoded(raw))


def judged(kept: KeptPage, found: Article | Rejection, at: datetime) -> ReparseResult:
    """What a reading means for the archive."""
    if isinstance(found, Rejection):
        return ReparseResult(kept, None, None, found.reason)
    if kept.stored is None:
        return ReparseResult(kept, found, decide(None, found))
    stored = kept.stored.article
    article = replace(found, key=stored.key, url=stored.url, fetched_at=stored.fetched_at)
    return ReparseResult(kept, article, decide(kept.stored, article, reread_at=at))


async def write(archive: storage.Store, readings: Sequence[ReparseResult], at: datetime) -> list[Outcome]:
    """Store what is to be stored of readings; an outcome for each of those.

    Raises:
        DatabaseError: the archive takes no more.

    """
    known = [reading for reading in readings if reading.kept.stored and reading.touched and reading.article]
    new = [reading for reading in readings if reading.is_new]
    outcomes = await archive.save_reread([reading.article for reading in known if reading.article], at)
    changed = {
        reading.kept.id: reading.article
        for reading, outcome in zip(known, outcomes, strict=True)
        if reading.article and outcome is Outcome.CHANGED
    }
    await archive.note_reread(changed, at)
    outcomes += await archive.save([reading.article for reading in new if reading.article])
    sights = [
        storage.FetchedPage(page=storage.decoded(reading.kept.raw), outcome=outcome, article=reading.article)
        for reading, outcome in zip(new, outcomes[len(known) :], strict=True)
    ]
    await archive.keep(sights)
    return outcomes

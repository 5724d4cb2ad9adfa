"""Kept pages are parsed again by this version of the extractor, on all cores; what would change is known before."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from rfispider import extract, storage
from rfispider.concurrency.process_pool import CallKilled, ProcessPool
from rfispider.items import Article, Outcome, Rejection
from rfispider.storage import KeptPage, Raw
from rfispider.storage.policy.versioning import Decision, decide

PAGE_S: Final = 20.0
"""Seconds after which the process that reads a page is killed: the worst of a thousand real pages took 1.2."""


@dataclass(frozen=True, slots=True)
class ReparseResult:
    """What a kept page gave when it was parsed again."""

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
    """Processes that read pages, in an `async with` block. One that hangs or dies costs its page only."""

    def __init__(
        self,
        workers: int | None = None,
        seconds: float = PAGE_S,
        reader: Callable[[Raw], Article | Rejection] | None = None,
    ) -> None:
        """`workers` processes (None: one per core); a page may take `seconds`; `reader` parses it (None: `read`)."""
        self._workers = workers or len(os.sched_getaffinity(0))
        self._seconds = seconds
        self._reader = reader or read

    async def __aenter__(self) -> Self:
        self._pool = ProcessPool(self._workers, self._seconds, batch=1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()

    async def read(self, kept: Sequence[KeptPage], at: datetime) -> list[ReparseResult]:
        """Parse pages, several at a time, with results in the same order; `at` is the time of the parse (UTC)."""
        return list(await asyncio.gather(*(self._read(each, at) for each in kept)))

    async def _read(self, kept: KeptPage, at: datetime) -> ReparseResult:
        try:
            parsed = await self._pool.apply(self._reader, kept.raw)
        except CallKilled as killed:
            return ReparseResult(kept, None, None, str(killed))
        except Exception as error:  # noqa: BLE001 - a damaged page may fail in any way: it is reported, and costs itself only
            return ReparseResult(kept, None, None, f"{type(error).__name__}: {error}")
        return judged(kept, parsed, at)


def read(raw: Raw) -> Article | Rejection:
    """The article of a kept page, or why it has none; runs in a process of the pool."""
    return extract.article(storage.decoded(raw))


def judged(kept: KeptPage, parsed: Article | Rejection, at: datetime) -> ReparseResult:
    """What the parse of a kept page means for the archive: decides, and writes nothing."""
    if isinstance(parsed, Rejection):
        return ReparseResult(kept, None, None, parsed.reason)
    if kept.stored is None:
        return ReparseResult(kept, parsed, decide(None, parsed))
    stored = kept.stored.article
    article = replace(parsed, key=stored.key, url=stored.url, fetched_at=stored.fetched_at)
    return ReparseResult(kept, article, decide(kept.stored, article, reread_at=at))


async def write(archive: storage.Store, results: Sequence[ReparseResult], at: datetime) -> list[Outcome]:
    """Store what is to be stored of reparsed pages; an outcome for each of those, of known articles first.

    `at` is when the pages were parsed (UTC).

    Raises:
        DatabaseError: the archive takes no more.

    """
    return [*await _update_known(archive, results, at), *await _add_new(archive, results)]


async def _update_known(archive: storage.Store, results: Sequence[ReparseResult], at: datetime) -> list[Outcome]:
    """Update the articles that read differently, and record which kept pages they were read from."""
    articles = {result.kept.id: result.article for result in results if result.article and _is_update(result)}
    outcomes = await archive.save_reread(list(articles.values()), at)
    changed = {
        page: article
        for (page, article), outcome in zip(articles.items(), outcomes, strict=True)
        if outcome is Outcome.CHANGED
    }
    await archive.note_reread(changed, at)
    return outcomes


def _is_update(result: ReparseResult) -> bool:
    return result.kept.stored is not None and bool(result.touched)


async def _add_new(archive: storage.Store, results: Sequence[ReparseResult]) -> list[Outcome]:
    """Add the articles of pages that gave none before; their pages are kept as those of articles."""
    new = [(result.kept, result.article) for result in results if result.is_new and result.article]
    outcomes = await archive.save([article for _, article in new])
    pages = [
        storage.FetchedPage(page=storage.decoded(kept.raw), outcome=outcome, article=article)
        for (kept, article), outcome in zip(new, outcomes, strict=True)
    ]
    await archive.keep(pages)
    return outcomes

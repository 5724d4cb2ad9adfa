"""Functions are applied to pages in other processes, which are handed the bodies in shared memory."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from rfispider.concurrency.process_pool import BATCH, MESSAGES, ProcessPool
from rfispider.concurrency.shared_memory import Buffer, BufferUnreachable, SharedBuffers
from rfispider.items import Page

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PageTask:
    """A page on its way to another process."""

    function: Callable[[Page], Any]
    page: Page
    buffer: Buffer | None = None
    """Where the body lies that the page lacks."""


class PagePool:
    """A process pool for pages. For one event loop."""

    def __init__(self, processes: int, seconds: float) -> None:
        """Take the number of processes, and how long one page may take (seconds)."""
        self._pool = ProcessPool(processes, seconds, sending=self._sending)
        self._buffers = SharedBuffers(MESSAGES * processes * BATCH)
        if self._buffers.problem:
            self._log_pipe(self._buffers.problem)

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that are alive."""
        return self._pool.pids

    def open(self, load: Callable[[None], None]) -> None:
        """Start the processes before the first page comes; `load` is called in each and imports what it needs."""
        self._pool.open(load)

    async def close(self) -> None:
        """End the processes, whatever they do; pages that are not done are cancelled."""
        await self._pool.close()
        self._buffers.close()

    async def apply(self, function: Callable[[Page], Result], page: Page) -> Result:
        """What the function makes of the page; raises what it raises.

        Raises:
            CallKilled: it took too long, or took its process down.

        """
        task = PageTask(function, page)
        try:
            result: Result = await self._pool.apply(apply_to_page, task)
        except BufferUnreachable as error:
            self._stop_sharing(str(error))
            result = await self._pool.apply(apply_to_page, task)
        return result

    @contextmanager
    def _sending(self, task: PageTask) -> Iterator[PageTask]:
        # What belongs to the crawl, and what cannot be pickled, stays here.
        page = replace(task.page, visit=None, parsed=None, parse=None)
        with self._buffers.holding(page.body) as buffer:
            yield PageTask(task.function, replace(page, body=b"") if buffer else page, buffer)

    def _stop_sharing(self, problem: str) -> None:
        if not self._buffers.problem:
            self._log_pipe(problem)
        self._buffers.close(problem)

    def _log_pipe(self, problem: str) -> None:
        logger.warning("the bodies of pages go through a pipe, for memory cannot be shared: %s", problem)


def apply_to_page(task: PageTask) -> Any:
    """Apply the function of a task to its page, in another process.

    Raises:
        BufferUnreachable: the body cannot be read where it lies.

    """
    return task.function(replace(task.page, body=task.buffer.body()) if task.buffer else task.page)

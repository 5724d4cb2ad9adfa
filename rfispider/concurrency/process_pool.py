"""Functions are applied to pages in other processes. Several pages share a message, and none the fate of another."""

import asyncio
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as TooLong
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessPool

from rfispider.concurrency.shared_memory import Buffer, BufferUnreachable, SharedBuffers
from rfispider.items import Page

Result = TypeVar("Result")
Function = Callable[[Page], Any]

TOGETHER: Final = 8
"""Pages in one message: to send and to wake another process costs as much as a tenth of the reading of a page."""

MESSAGES: Final = 2
"""Of two messages a process has one to go on with."""

ORPHAN: Final = 2.0
"""A page is killed by the kernel after so many times its limit: then whoever should have done it is dead."""


class ParserKilled(Exception):
    """A page took too long, or the process that had it died; the message says which, in one line."""


@dataclass(frozen=True, slots=True)
class Job:
    """A page to which a function is to be applied."""

    function: Function
    page: Page
    told: "asyncio.Future[Any]"
    """What came of it."""


@dataclass(frozen=True, slots=True)
class PoolTask:
    """The same on its way."""

    function: Function
    page: Page
    place: Buffer | None
    """Where the body lies that the page lacks."""


class PagePool:
    """So many processes, each of which may take so long for a page. For one event loop."""

    def __init__(self, processes: int, seconds: float) -> None:
        """Take the number of processes, and how long one page may take (seconds)."""
        self._seconds = seconds
        self._pool = ProcessPool(processes, context=multiprocessing.get_context("spawn"))
        self._tray = SharedBuffers(MESSAGES * processes * TOGETHER)
        self._free = MESSAGES * processes
        self._waiting: deque[Job] = deque()
        self._messages: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Have the processes started by the time that the first page comes."""
        self._pool.schedule(ready)

    async def close(self) -> None:
        """End the processes, whatever they do."""
        await asyncio.to_thread(_stop, self._pool)
        self._tray.close()

    async def apply(self, function: Callable[[Page], Result], page: Page) -> Result:
        """What the function makes of the page; raises what it raises.

        Raises:
            Killed: it took too long, or took its process down.

        """
        job = Job(function, page, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._send()
        result: Result = await job.told
        return result

    def _send(self) -> None:
        while self._waiting and self._free:
            share = min(TOGETHER, -(-len(self._waiting) // self._free))
            jobs = [self._waiting.popleft() for _ in range(share)]
            self._free -= 1
            message = asyncio.ensure_future(self._carry_out(jobs))
            self._messages.add(message)
            message.add_done_callback(self._returned)

    def _returned(self, message: "asyncio.Task[None]") -> None:
        self._messages.discard(message)
        self._free += 1
        self._send()

    async def _carry_out(self, jobs: Sequence[Job]) -> None:
        """Have all jobs done; when something happens to their process, each by itself."""
        try:
            results = await self._done(jobs)
        except asyncio.CancelledError:
            for job in jobs:
                job.told.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            if len(jobs) > 1:
                for job in jobs:
                    await self._carry_out([job])
                return
            results = [error]
        for job, result in zip(jobs, results, strict=True):
            _tell(job.told, result)

    async def _done(self, jobs: Sequence[Job]) -> list[Any]:
        with ExitStack() as held:
            sent = [_sent(job, held.enter_context(self._tray.holding(job.page.body))) for job in jobs]
            results = await self._in_process(sent)
        if any(isinstance(result, BufferUnreachable) for result in results):
            self._tray.close()
            return await self._in_process([_sent(job, None) for job in jobs])
        return results

    async def _in_process(self, sent: list[PoolTask]) -> list[Any]:
        return await carried_out(self._pool, self._seconds, applied, sent, ORPHAN * self._seconds)


async def carried_out(pool: ProcessPool, seconds: float, function: Callable[..., Result], *given: object) -> Result:
    """What a function makes of what it is given, in a process of a pool that has so long for it; raises what it raises.

    Raises:
        Killed: it took too long, or took its process down.

    """
    future = pool.schedule(function, args=given, timeout=seconds)
    try:
        result: Result = await asyncio.wrap_future(future)
    except TooLong as error:
        raise ParserKilled(f"reading it took more than {seconds:g} s") from error
    except ProcessExpired as error:
        raise ParserKilled(f"the process that read it died ({error})") from error
    return result


def _sent(job: Job, place: Buffer | None) -> PoolTask:
    # What belongs to the crawl, and what cannot be sent, stays here.
    page = replace(job.page, body=b"" if place else job.page.body, visit=None, parsed=None, parse=None)
    return PoolTask(job.function, page, place)


def _tell(told: "asyncio.Future[Any]", result: Any) -> None:  # noqa: ANN401 - whatever a function gives
    if told.done():
        return
    if isinstance(result, Exception):
        told.set_exception(result)
    else:
        told.set_result(result)


# ---- In the process --------------------------------------------------------------------------------------


def applied(jobs: Sequence[PoolTask], seconds: float) -> list[Any]:
    """What becomes of each page, or what was raised; the process dies if it takes longer, whoever else still lives."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return [_applied(job) for job in jobs]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _applied(job: PoolTask) -> Any:  # noqa: ANN401 - whatever the function gives
    try:
        return job.function(replace(job.page, body=job.place.body()) if job.place else job.page)
    except Exception as error:  # noqa: BLE001 - raised where the page came from
        return error


def ready() -> None:
    """Do nothing; a process that can do this has loaded all that it needs."""


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call] # pebble left the type out
    pool.join()

"""Functions are applied in other processes. Several calls share a message, and none the fate of another."""

import asyncio
import logging
import pickle
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from rfispider.concurrency.worker_process import WorkerDied, WorkerProcess

logger = logging.getLogger(__name__)

Argument = TypeVar("Argument")
Result = TypeVar("Result")

BATCH: Final = 8
"""Calls in one message: to send and to wake another process costs as much as a tenth of the parsing of a page."""
MESSAGES: Final = 2
"""Messages under way for each process: it goes on with the second while the reply to the first is read."""
POOL_ATTEMPTS: Final = 2
"""A call whose process dies is tried once more, by itself: most often another call, or somebody, has killed it."""
POOL_CHECK_S: Final = 0.25
"""Seconds between two checks of the processes."""


class CallKilled(Exception):
    """A call took too long, or its process died again and again; the message says which, in one line."""


@dataclass(slots=True, eq=False)
class _Job:
    """A call that waits or is under way."""

    function: Callable[[Any], Any]
    argument: Any
    result: "asyncio.Future[Any]"
    deaths: int = 0
    """Processes that died at this call, or at others of the same message."""

    @property
    def is_suspect(self) -> bool:
        """Whether it has to be tried by itself, for it may have killed a process."""
        return self.deaths > 0


@dataclass(slots=True, eq=False)
class _Slot:
    """The place of one process, which is replaced whenever it is gone."""

    seconds: float
    messages: int = 0
    """Under way."""
    process: WorkerProcess | None = None
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_closed: bool = False

    async def running(self) -> WorkerProcess:
        """The process, started if there is none.

        Raises:
            WorkerDied: the system starts no process, or the pool is closed.

        """
        async with self.starting:
            if self.is_closed:
                raise WorkerDied("the pool was closed", was_at_work=False, was_too_slow=False)
            if self.process and not self.process.is_alive:
                logger.warning("process %d has ended (%s) and is replaced", self.process.pid, self.process.end)
            if not self.process or not self.process.is_alive:
                try:
                    self.process = await WorkerProcess.start(self.seconds)
                except OSError as error:
                    reason = f"it could not be started: {error}"
                    raise WorkerDied(reason, was_at_work=True, was_too_slow=False) from error
            return self.process

    async def close(self) -> None:
        """End the process; no other is started."""
        self.is_closed = True
        async with self.starting:
            if self.process:
                await self.process.close()


class ProcessPool:
    """So many processes, each of which may take so long for a message. For one event loop."""

    def __init__(
        self,
        processes: int,
        seconds: float,
        *,
        batch: int = BATCH,
        sending: Callable[[Any], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        """Take the number of processes, the seconds that one call may take, and how many calls may share a message.

        `sending` turns an argument into what is sent for it, while the context lasts.
        """
        self._seconds = seconds
        self._batch = batch
        self._sending = sending
        self._slots = [_Slot(seconds) for _ in range(processes)]
        self._waiting: deque[_Job] = deque()
        self._messages: dict[asyncio.Task[None], list[_Job]] = {}
        self._watchdog: asyncio.Task[None] | None = None

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that are alive."""
        return [slot.process.pid for slot in self._slots if slot.process and slot.process.is_alive]

    def open(self, load: Callable[[None], None]) -> None:
        """Start all processes, and have each make this call, which imports what the first one needs."""
        for slot in self._slots:
            job = _Job(load, None, asyncio.get_running_loop().create_future())
            # Nobody waits for it: if it fails, so will what comes after it.
            job.result.add_done_callback(lambda result: result.cancelled() or result.exception())
            self._start_message(slot, [job])

    async def apply(self, function: Callable[[Argument], Result], argument: Argument) -> Result:
        """What the function returns for the argument, both of which can be pickled; raises what it raises.

        Raises:
            CallKilled: it took too long, or took its process down.

        """
        job = _Job(function, argument, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._send()
        result: Result = await job.result
        return result

    async def close(self) -> None:
        """End the processes, whatever they do; calls that are not done are cancelled."""
        for jobs in (self._waiting, *self._messages.values()):
            for job in jobs:
                job.result.cancel()
        self._waiting.clear()
        if self._watchdog:
            self._watchdog.cancel()
        await asyncio.gather(*(slot.close() for slot in self._slots))
        await asyncio.gather(*self._messages)

    def _send(self) -> None:
        """Give what waits to the processes that have the least to do."""
        while self._waiting:
            slot = min(self._slots, key=lambda slot: slot.messages)
            if slot.messages >= MESSAGES:
                return
            self._start_message(slot, self._next_jobs())

    def _start_message(self, slot: _Slot, jobs: list[_Job]) -> None:
        self._watchdog = self._watchdog or asyncio.ensure_future(self._watch())
        slot.messages += 1
        message = asyncio.ensure_future(self._carry_out(slot, jobs))
        self._messages[message] = jobs
        message.add_done_callback(self._messages.pop)

    def _next_jobs(self) -> list[_Job]:
        """The jobs of the next message: a fair share of what waits, or one that has to be tried by itself."""
        free = sum(MESSAGES - slot.messages for slot in self._slots)
        share = min(self._batch, -(-len(self._waiting) // free))
        jobs = [self._waiting.popleft()]
        while self._waiting and len(jobs) < share and not jobs[0].is_suspect and not self._waiting[0].is_suspect:
            jobs.append(self._waiting.popleft())
        return jobs

    async def _carry_out(self, slot: _Slot, jobs: list[_Job]) -> None:
        try:
            process = await slot.running()
            with ExitStack() as contexts:
                calls = {job: call for job in jobs if (call := self._packed(job, contexts))}
                results = await process.apply(list(calls.values()))
            for job, result in zip(calls, results, strict=True):
                _resolve(job, result)
        except WorkerDied as death:
            self._retry(jobs, death)
        except Exception as error:  # noqa: BLE001 - raised in every `apply` of the message
            for job in jobs:
                _resolve(job, error)
        slot.messages -= 1
        self._send()

    def _packed(self, job: _Job, contexts: ExitStack) -> bytes | None:
        """The pickled call of a job; None if it cannot be sent, which its caller learns."""
        try:
            return pickle.dumps((job.function, contexts.enter_context(self._sending(job.argument))))
        except Exception as error:  # noqa: BLE001 - whatever cannot be pickled
            _resolve(job, error)
            return None

    def _retry(self, jobs: list[_Job], death: WorkerDied) -> None:
        """Put jobs back whose process has died, before all others; one that had its attempts has failed."""
        for job in reversed(jobs):
            job.deaths += death.was_at_work
            if death.was_too_slow and len(jobs) == 1:
                _resolve(job, CallKilled(f"reading it took more than {self._seconds:g} s"))
            elif job.deaths >= POOL_ATTEMPTS:
                _resolve(job, CallKilled(f"the process that read it died ({death})"))
            elif not job.result.done():
                self._waiting.appendleft(job)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POOL_CHECK_S)
            for slot in self._slots:
                if slot.process:
                    slot.process.check(POOL_CHECK_S)


def _resolve(job: _Job, result: Any) -> None:
    if job.result.done():
        return
    if isinstance(result, Exception):
        job.result.set_exception(result)
    else:
        job.result.set_result(result)

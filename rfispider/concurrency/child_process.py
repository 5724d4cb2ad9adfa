"""One run as a process of its own: started, watched, ended when its time is over."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Any, Final, Self

from rfispider.concurrency import run_guard

TERM_GRACE_S: Final = 30.0
"""How long a run that was asked to end may take for it, in seconds; a crawl hands back its work within 20."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a run ended."""

    exit_status: int
    """As the process gave it; negative: the signal that ended it."""
    reason: str


class RunLease:
    """How long a run may go on; its guard ends it unless this is extended in time. A context manager."""

    def __init__(self) -> None:
        """Make the pipe to the guard; without any extension the run has no deadline."""
        self.reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self.ask_at = self.kill_at = inf
        """When the run is asked to end, and when it is killed, as `run_guard.clock` counts."""

    def extend(self, *, ask_at: float, kill_at: float) -> None:
        """Set when the run is asked to end, and when it is killed, in seconds of `run_guard.clock`."""
        self.ask_at, self.kill_at = ask_at, kill_at
        with suppress(BlockingIOError, BrokenPipeError):  # a guard that is frozen or gone
            os.write(self._writer, run_guard.DEADLINES.pack(ask_at, kill_at))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.reader)
        os.close(self._writer)


async def supervise(
    command: Sequence[str],
    *,
    limit_s: float,
    unwanted: "asyncio.Future[str]",
    lease: RunLease | None = None,
    grace_s: float = TERM_GRACE_S,
) -> ProcessResult:
    """Run a command to its end; end it after `limit_s` seconds (0: never), or when `unwanted` says why.

    It is asked by SIGTERM first, and killed with its process group after `grace_s` seconds. It ends with this process
    too, however that ends, and by the deadlines of its lease.

    Raises:
        OSError: no process can be started.

    """
    with nullcontext(lease) if lease else RunLease() as run_lease:
        guard = [sys.executable, "-I", "-S", run_guard.__file__, str(run_lease.reader), *command]
        process = await asyncio.create_subprocess_exec(*guard, start_new_session=True, pass_fds=[run_lease.reader])
        over = asyncio.ensure_future(process.wait())
        either: set[asyncio.Future[Any]] = {over, unwanted}
        await asyncio.wait(either, timeout=limit_s or None, return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            if over.result() == -signal.SIGKILL:
                # If it was the guard that somebody killed, the run is still there.
                _signal(process.pid, signal.SIGKILL)
            return ProcessResult(over.result(), "its lease was lost" if _is_past(run_lease) else "finished")
        reason = unwanted.result() if unwanted.done() else f"hung: it was not over after {limit_s:g} s"
        _signal(process.pid, signal.SIGTERM)
        await asyncio.wait({over}, timeout=grace_s)
        _signal(process.pid, signal.SIGKILL)
        return ProcessResult(await over, reason)


def _is_past(lease: RunLease) -> bool:
    return run_guard.clock() >= lease.kill_at


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)

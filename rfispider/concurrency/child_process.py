"""One run as a process of its own: started, watched, ended when its time is over."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

GRACE_S: Final = 30.0
"""How long a run that was asked to end may take for it, in seconds; a crawl hands back its work within 20."""
_PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How a run ended."""

    exit_status: int
    """As the process gave it; negative: the signal that ended it."""
    reason: str


async def supervise(
    command: Sequence[str],
    *,
    limit_s: float,
    unwanted: "asyncio.Future[str]",
    grace_s: float = GRACE_S,
) -> ProcessResult:
    """Run a command to its end; end it after `limit_s` seconds (0: never), or when `unwanted` says why.

    It is asked by SIGTERM first, and killed with all that it started after `grace_s` seconds.

    Raises:
        OSError: the command cannot be started.

    """
    process = await asyncio.create_subprocess_exec(*command, start_new_session=True, preexec_fn=_orphan_hook())
    over = asyncio.ensure_future(process.wait())
    either: set[asyncio.Future[Any]] = {over, unwanted}
    await asyncio.wait(either, timeout=limit_s or None, return_when=asyncio.FIRST_COMPLETED)
    if over.done():
        return ProcessResult(over.result(), "finished")
    reason = unwanted.result() if unwanted.done() else f"hung: it was not over after {limit_s:g} s"
    _signal(process.pid, signal.SIGTERM)
    await asyncio.wait({over}, timeout=grace_s)
    _signal(process.pid, signal.SIGKILL)
    return ProcessResult(await over, reason)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _orphan_hook() -> Callable[[], None] | None:
    """What the new process does first: on Linux, ask to be ended when the scheduler dies, even by SIGKILL.

    Another scheduler takes the run up then, and the same crawl would run twice.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

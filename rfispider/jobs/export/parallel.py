"""Articles as MongoDB hands them over become lines of a file while the next ones are read."""

import asyncio
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Final

from rfispider.concurrency.prefetch import ahead
from rfispider.concurrency.process_globals import EXPORT_OBJECTS, collect_rarely
from rfispider.storage import unpacked

AHEAD: Final = 2
"""Batches under way for each process or thread: so that it need not wait for the next one."""

Pack = Callable[[Sequence[Mapping[str, Any]]], bytes]


async def packed(batches: AsyncIterator[bytes], pack: Pack, *, processes: int) -> AsyncIterator[tuple[int, bytes]]:
    """For each batch of BSON, in order, how many articles it holds and what `pack` makes of them.

    In so many processes, with 0 in a thread: to send articles to another process costs more than to make JSON of them.
    """
    loop, workers = asyncio.get_running_loop(), processes or 1
    with _pool(processes) as pool:
        waiting: deque[asyncio.Future[tuple[int, bytes]]] = deque()
        async for batch in ahead(batches):
            waiting.append(loop.run_in_executor(pool, of_batch, pack, batch))
            if len(waiting) > workers * AHEAD:
                yield await waiting.popleft()
        for each in waiting:
            yield await each


def _pool(processes: int) -> Executor:
    if not processes:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_prepare_worker)


def _prepare_worker() -> None:
    """What a new process does first: Ctrl-C reaches it too, and is for the process that started it to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely(EXPORT_OBJECTS)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def of_batch(pack: Pack, batch: bytes) -> tuple[int, bytes]:
    """How many articles a batch holds, and what `pack` makes of them."""
    documents = unpacked(batch)
    return len(documents), pack(documents)

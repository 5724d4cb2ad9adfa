"""Articles as MongoDB hands them over become lines of a file while the next ones are read."""

import asyncio
import gc
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from rfispider.concurrency.prefetch import ahead
from rfispider.storage import unpacked

FEW: Final = 200_000
"""Objects between two looks for cycles: documents hold none, and looking for them takes a third of the time."""

TURN_S: Final = 0.0005
"""A thread gives way to another after this time: with Python's own 5 ms, what reads from the network in small pieces
waits for what makes lines."""

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
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=look_less_often)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def of_batch(pack: Pack, batch: bytes) -> tuple[int, bytes]:
    """How many articles a batch holds, and what `pack` makes of them."""
    documents = unpacked(batch)
    return len(documents), pack(documents)


def look_less_often() -> None:
    """Look for cycles among objects less often, until the process ends."""
    gc.set_threshold(FEW, 10, 10)


@contextmanager
def hurry() -> Iterator[None]:
    """The same while the context lasts, with short turns of the threads."""
    before, turn_s = gc.get_threshold(), sys.getswitchinterval()
    look_less_often()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        sys.setswitchinterval(turn_s)

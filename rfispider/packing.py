"""Articles as MongoDB hands them over become lines of a file, on all cores: that is most of the work of an export."""

import asyncio
import gc
import multiprocessing
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from rfispider.prefetch import ahead
from rfispider.store import unpacked

FEW: Final = 200_000
"""Objects between two looks for cycles: documents hold none, and looking for them takes a third of the time."""

AHEAD: Final = 2
"""Batches under way for each process: so that it need not wait for the next one."""

Pack = Callable[[Sequence[Mapping[str, Any]]], bytes]


async def packed(batches: AsyncIterator[bytes], pack: Pack) -> AsyncIterator[tuple[int, bytes]]:
    """For each batch of BSON, in order, how many articles it holds and what `pack` makes of them."""
    workers = len(os.sched_getaffinity(0))
    loop, context = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=look_less_often) as pool:
        waiting: deque[asyncio.Future[tuple[int, bytes]]] = deque()
        async for batch in ahead(batches):
            waiting.append(loop.run_in_executor(pool, of_batch, pack, batch))
            if len(waiting) > workers * AHEAD:
                yield await waiting.popleft()
        for each in waiting:
            yield await each


def of_batch(pack: Pack, batch: bytes) -> tuple[int, bytes]:
    """How many articles a batch holds, and what `pack` makes of them."""
    documents = unpacked(batch)
    return len(documents), pack(documents)


def look_less_often() -> None:
    """Look for cycles among objects less often, until the process ends."""
    gc.set_threshold(FEW, 10, 10)


@contextmanager
def few_collections() -> Iterator[None]:
    """The same while the context lasts."""
    before = gc.get_threshold()
    look_less_often()
    try:
        yield
    finally:
        gc.set_threshold(*before)

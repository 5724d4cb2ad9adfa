"""Group commit: single items are gathered into batches, and each waits until its batch is stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Gathers items into batches and saves each batch with one call; an item is done when its batch is saved.

    Items that arrive during a commit wait for it to end, unless they fill a batch of their own: the busier a crawl,
    the more articles share the round trips of a commit.
    """

    def __init__(
        self, save: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, size: int, seconds: float
    ) -> None:
        """Take what saves a batch (one result per item, in order), the largest batch and the longest wait (seconds)."""
        self.save = save
        self.size = size
        self.seconds = seconds
        self.waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self.timer: asyncio.TimerHandle | None = None
        self.commits: set[asyncio.Task[None]] = set()

    async def put(self, item: Item) -> Result:
        """Wait until the item is saved; return its result, or raise what `save` raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self.waiting.append((item, future))
        if len(self.waiting) >= self.size:
            self.flush()
        elif not self.timer and not self.commits:
            self.timer = loop.call_later(self.seconds, self.flush)
        return await future

    def flush(self) -> None:
        """Start a commit of everything that waits."""
        if self.timer:
            self.timer.cancel()
            self.timer = None
        batch, self.waiting = self.waiting, []
        if batch:
            task = asyncio.ensure_future(self.commit(batch))
            self.commits.add(task)
            task.add_done_callback(self.commit_ended)

    def commit_ended(self, ended: asyncio.Task[None]) -> None:
        """Commit what has waited for the end of another commit."""
        self.commits.discard(ended)
        if not self.commits:
            self.flush()

    async def commit(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        """Save one batch and resolve the futures of its items."""
        try:
            results = await self.save([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised in every `put` of the batch
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

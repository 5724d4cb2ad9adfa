"""A group commit lets go of nothing before it is stored; what was not read is kept, if it may be read one day."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rfispider.concurrency.batching import GroupCommit
from rfispider.crawl.pipelines import may_hold_article
from rfispider.items import Outcome, Rejection
from tests.support.extract_pages import page


class Archive:
    """Takes batches when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.open = asyncio.Event()
        self.error: Exception | None = None

    async def save(self, batch: Sequence[Any]) -> list[Outcome]:
        self.batches.append(list(batch))
        await self.open.wait()
        if self.error:
            raise self.error
        return [Outcome.NEW if item == "new" else Outcome.SAME for item in batch]


def commit(archive: Archive, size: int = 2, seconds: float = 60) -> GroupCommit:
    return GroupCommit(archive.save, size=size, seconds=seconds)


async def complete() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_articles_share_a_commit_and_each_learns_its_own_outcome() -> None:
    archive = Archive()
    archive.open.set()
    group = commit(archive)
    assert await asyncio.gather(group.put("new"), group.put("old")) == [Outcome.NEW, Outcome.SAME]  # type: ignore[arg-type]
    assert archive.batches == [["new", "old"]]


async def test_an_article_is_not_let_go_before_its_commit_is_acknowledged() -> None:
    archive = Archive()
    group = commit(archive, size=1)
    waiting = asyncio.ensure_future(group.put("new"))  # type: ignore[arg-type]
    await complete()
    assert archive.batches == [["new"]]
    assert not waiting.done()
    archive.open.set()
    assert await waiting is Outcome.NEW


async def test_a_lone_article_does_not_wait_for_others_for_ever() -> None:
    archive = Archive()
    archive.open.set()
    assert await asyncio.wait_for(commit(archive, size=9, seconds=0.001).put("new"), 10) is Outcome.NEW  # type: ignore[arg-type]


async def test_everybody_in_a_failed_commit_learns_of_it_and_the_next_commit_is_tried() -> None:
    archive = Archive()
    archive.open.set()
    archive.error = OSError("disk full")
    group = commit(archive)
    failed = await asyncio.gather(group.put("new"), group.put("old"), return_exceptions=True)  # type: ignore[arg-type]
    assert failed == [archive.error, archive.error]
    archive.error = None
    assert await asyncio.gather(group.put("new"), group.put("new")) == [Outcome.NEW, Outcome.NEW]  # type: ignore[arg-type]


async def test_a_batch_is_sent_when_it_is_full() -> None:
    archive = Archive()
    group = commit(archive, size=3)
    tasks = [asyncio.ensure_future(group.put(str(n))) for n in range(7)]  # type: ignore[arg-type]
    await complete()
    assert [len(batch) for batch in archive.batches] == [3, 3]
    archive.open.set()
    for task in tasks[6:]:
        task.cancel()
    await asyncio.gather(*tasks[:6])
    with pytest.raises(asyncio.CancelledError):
        await tasks[6]


SECTION = "https://www.rfi.fr/en/africa/"


@pytest.mark.parametrize(
    ("outcome", "seen", "kept"),
    [
        (Outcome.FAILED, page("<p>x</p>"), True),
        (Outcome.FAILED, page(""), False),
        (Outcome.NOT_ARTICLE, page("<p>x</p>"), True),
        (Outcome.NOT_ARTICLE, page("<p>x</p>", SECTION), False),
        (Outcome.BLOCKED, page("<p>x</p>"), False),
        (Outcome.GONE, page("<p>x</p>"), False),
    ],
)
def test_a_page_is_kept_if_a_later_extractor_may_read_it(outcome: Outcome, seen: Any, kept: bool) -> None:
    assert may_hold_article(seen, Rejection(outcome=outcome, reason="")) == kept

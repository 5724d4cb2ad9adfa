"""The way of articles and pages into the archive: several share a commit, and nothing is let go before it is stored."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rfispider.concurrency.batching import GroupCommit
from rfispider.items import Article, Outcome, Page, Rejection
from rfispider.storage import DatabaseError, FetchedPage, Store

logger = logging.getLogger(__name__)

NOT_HELD = "MongoDB cannot hold it, see the log"
"""Why an article failed that is too large for a document, or breaks its validator."""


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """An article on its way to the archive, with the page that it was read from."""

    page: Page
    article: Article


@dataclass(frozen=True, slots=True)
class UnparsedPage:
    """A page in which no article was found though there may be one, on its way to be kept as a failure."""

    page: Page
    rejection: Rejection


class ArchiveWriter:
    """Stores in group commits; ends the crawl, once, when the archive takes no more."""

    store: Store
    """The archive, from the moment on that it is open."""

    def __init__(
        self,
        *,
        size: int,
        seconds: float,
        keep_pages: bool,
        on_commit: Callable[[float], object],
        on_failure: Callable[[], Awaitable[None]],
    ) -> None:
        """Commit `size` pages at most together, waiting at most `seconds` for others.

        `keep_pages`: store raw pages too. `on_commit` hears how many seconds a commit took; `on_failure` ends the
        crawl.
        """
        self._keep_pages = keep_pages
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._commits: GroupCommit[ParsedPage | UnparsedPage, Outcome] = GroupCommit(
            self._save, size=size, seconds=seconds
        )
        self._ending: asyncio.Future[None] | None = None

    async def put(self, item: ParsedPage | UnparsedPage) -> Outcome:
        """Store one page, together with others that wait; give what came of it when it is on the disks of a majority.

        Raises:
            DatabaseError: it could not be stored; the crawl is being ended.

        """
        try:
            return await self._commits.put(item)
        except DatabaseError as error:
            self._end(error)
            raise

    async def _save(self, items: Sequence[ParsedPage | UnparsedPage]) -> list[Outcome]:
        began = time.monotonic()
        stored = iter(await self.store.save([item.article for item in items if isinstance(item, ParsedPage)]))
        outcomes = [next(stored) if isinstance(item, ParsedPage) else item.rejection.outcome for item in items]
        if self._keep_pages:
            await self.store.keep([_fetched_page(item, outcome) for item, outcome in zip(items, outcomes, strict=True)])
        self._on_commit(time.monotonic() - began)
        return outcomes

    def _end(self, error: DatabaseError) -> None:
        if self._ending is None:
            logger.error("the archive takes no more, the crawl stops: %s", error)
            self._ending = asyncio.ensure_future(self._on_failure())


def _fetched_page(item: ParsedPage | UnparsedPage, outcome: Outcome) -> FetchedPage:
    """What the archive keeps of a page."""
    if isinstance(item, UnparsedPage):
        return FetchedPage(page=item.page, outcome=outcome, reason=item.rejection.reason)
    if outcome is Outcome.FAILED:
        return FetchedPage(page=item.page, outcome=outcome, reason=NOT_HELD)
    return FetchedPage(page=item.page, outcome=outcome, article=item.article)

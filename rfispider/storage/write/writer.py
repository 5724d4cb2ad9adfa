"""A batch of articles is stored in a handful of round trips, against any number of other workers.

Read what is stored, decide, write the superseded states, then the articles. Each write of an article holds only
for the revision that was read: when another worker was faster, the article is read and decided again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pymongo.asynchronous.database import AsyncDatabase

from rfispider.items import Article, Outcome
from rfispider.mongo.errors import DatabaseError
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.policy import story_clusters
from rfispider.storage.policy.bonds import Alias
from rfispider.storage.policy.identity import identity
from rfispider.storage.policy.versioning import ArticleVersion, latest_time, without_future
from rfispider.storage.read.statistics import clock
from rfispider.storage.schema import ALIAS_RECORDS, ARTICLES, CLAIMS, REVISIONS
from rfispider.storage.search.index import SearchIndex
from rfispider.storage.write.aliases import AliasWriter, Ending
from rfispider.storage.write.bulk_writes import (
    BulkWriter,
    WritePlan,
    WriteResult,
    has_new_content,
    has_new_words,
    superseded_restored,
    superseded_states,
)
from rfispider.storage.write.planner import Planner
from rfispider.storage.write.revisions import RevisionWriter
from rfispider.storage.write.story_links import StoryLinker

logger = logging.getLogger(__name__)

LOST_RACES: Final = 50
"""Rounds in a row in which every single write came too late, before something else must be wrong."""

TAKEN_OVER: Final = timedelta(days=1)
"""Within this time an article that a dead worker had stored is seen again by the one that takes over."""

Plans = dict[str, WritePlan]
"""By key of the article that was seen."""


@dataclass(slots=True)
class BatchProgress:
    """What one batch carries from round to round."""

    overtaken: dict[str, ArticleVersion] = field(default_factory=dict)
    """States that it wrote down as superseded by a write of its own, when it was another's."""
    unlinked: dict[str, ArticleVersion] = field(default_factory=dict)
    """Articles, by key, whose story has to be looked for."""
    new: dict[str, ArticleVersion] = field(default_factory=dict)
    bound: set[str] = field(default_factory=set)
    """Keys of articles of which others became aliases."""
    reread_at: datetime | None = None
    """When pages that are stored were parsed again (UTC); None for pages that were fetched."""


@dataclass(slots=True)
class Bonds:
    """The aliases that are written or released in one round."""

    aliases: dict[str, Alias] = field(default_factory=dict)
    """By their key."""
    moved: dict[str, str] = field(default_factory=dict)
    """Key of an alias -> key of the article that it was an alias of until now."""
    released: list[Alias] = field(default_factory=list)


class Writer:
    """Stores articles. One object may be used by many tasks at once."""

    def __init__(self, database: AsyncDatabase[Document], search: SearchIndex) -> None:
        articles = database[ARTICLES]
        self._database = database
        self._articles = articles
        self._search = search
        self._bulk = BulkWriter(articles)
        self._revisions = RevisionWriter(articles, database[REVISIONS])
        self._aliases = AliasWriter(articles, self._revisions, database[ALIAS_RECORDS], database[CLAIMS])
        self._planner = Planner(self._aliases)
        self._stories = StoryLinker(articles)

    async def save(self, articles: Sequence[Article], reread_at: datetime | None = None) -> list[Outcome]:
        """NEW, CHANGED, SAME, DUPLICATE or CLAIMED for each article, in order; FAILED for one that cannot be held.

        DUPLICATE is one whose URL is an alias of another article. CLAIMED is one that would become one: nothing is
        stored of it until it comes `confirmed`. FAILED is logged with its reason. The same article may come several
        times: each is decided after the one before it. When this returns, all else is on the disks of a majority, and
        has its story.

        Raises:
            PyMongoError: the server failed.
            DatabaseError: no write gets through between those of others.

        """
        outcomes: dict[int, Outcome] = {}
        waiting = list(range(len(articles)))
        progress = BatchProgress(reread_at=reread_at)
        races = 0
        while waiting:
            turn = _next_turn(articles, waiting)
            settled = await self._round([articles[index] for index in turn.values()], progress)
            outcomes |= {turn[key]: outcome for key, outcome in settled.items()}
            waiting = [index for index in waiting if index not in outcomes]
            races = 0 if settled else races + 1
            if races > LOST_RACES:
                raise DatabaseError(f"{len(waiting)} articles were not stored: other workers were faster each time")
        await self._stories.link(list(progress.unlinked.values()))
        await self._stories.pair(list(progress.new.values()))
        return [outcomes[index] for index in range(len(articles))]

    async def _round(self, articles: Sequence[Article], progress: BatchProgress) -> dict[str, Outcome]:
        """Outcomes by key of the articles that could be stored; keys differ. What is missing lost a race."""
        stored = await self._read(articles)
        await self._revisions.correct(progress.overtaken, stored)
        progress.overtaken.clear()
        plan = await self._planner.plan(articles, stored, progress.reread_at)
        await self._aliases.note_claims([claim for claim in plan.claims.values() if claim])
        outcomes: dict[str, Outcome] = dict.fromkeys(plan.claims, Outcome.CLAIMED)
        outcomes |= await self._end(plan.endings, progress)
        late = await self._bind(plan.writes)
        writes = await _signed({key: write for key, write in plan.writes.items() if key not in late})
        await self._revisions.supersede(superseded_states(writes.values()))
        await self._revisions.write(superseded_restored(writes.values()))
        await self._search.add([write.decision.state.article for write in writes.values() if has_new_words(write)])
        result = await self._bulk.write(writes)
        return outcomes | await self._note_result(writes, result, progress)

    async def _end(self, endings: Mapping[str, Sequence[Ending]], progress: BatchProgress) -> dict[str, Outcome]:
        """Let articles become aliases; outcomes of those that were seen. The others are to be read and decided again.

        Those of which other articles became aliases are decided again too, now that nothing stands in their way.
        """
        outcomes: dict[str, Outcome] = {}
        for key, each in endings.items():
            for ending in each:
                if not await self._aliases.end(ending):
                    continue
                if ending.ended.article.key == key:
                    outcomes[key] = Outcome.DUPLICATE
                else:
                    progress.bound.add(key)
        return outcomes

    async def _bind(self, plans: Plans) -> set[str]:
        """Undo bonds and write aliases, before the articles; the keys of plans that came too late."""
        bonds, late = _bonds(plans)
        await self._aliases.release(bonds.released)
        await self._aliases.free([plan.freed for plan in plans.values() if plan.freed])
        taken = await self._aliases.write(list(bonds.aliases.values()), bonds.moved)
        for key in bonds.moved.keys() & bonds.aliases.keys():
            await self._aliases.pull([bonds.aliases[key].url], but=bonds.aliases[key].article)
        return late | {key for key, plan in plans.items() if not taken.isdisjoint(alias.key for alias in plan.aliases)}

    async def _note_result(self, plans: Plans, result: WriteResult, progress: BatchProgress) -> dict[str, Outcome]:
        """Outcomes of what was written or refused; what came too late is remembered."""
        for key, reason in result.refused.items():
            logger.error("article %s was not stored: %s", plans[key].decision.state.article.url, reason)
        _note_overtaken([plans[key] for key in result.late], progress)
        done = {key: plan for key, plan in plans.items() if result.is_done(key)}
        await self._settle(done)
        # Also of what came too late: its aliases were written before it.
        await self._aliases.yield_to_articles([alias for plan in plans.values() for alias in plan.aliases])
        _note_done(done, progress)
        outcomes = {key: _outcome(key, plan, progress) for key, plan in done.items()}
        return outcomes | dict.fromkeys(result.refused, Outcome.FAILED)

    async def _settle(self, done: Plans) -> None:
        """Put right what others bound at the same moment, and what a restored article does not need any more."""
        await self._revisions.settle(superseded_states(done.values()))
        inserted = [key for key, plan in done.items() if plan.old is None]
        await self._aliases.settle(inserted)
        for plan in done.values():
            if plan.restored and not plan.decision.changed:
                await self._revisions.remove(plan.restored)

    async def _read(self, articles: Sequence[Article]) -> dict[str, ArticleVersion]:
        """The stored articles by key. Times that the server's clock has not reached yet order nothing."""
        keys = [article.key for article in articles]
        cursor = self._articles.find({"_id": {"$in": keys}}, PROJECTION, batch_size=len(keys) + 1)
        stored = {document["_id"]: documents.stored(document) for document in await cursor.to_list()}
        later = [seen for seen in articles if seen.key in stored and latest_time(stored[seen.key]) > seen.fetched_at]
        if later:
            now = await clock(self._database)
            stored |= {seen.key: without_future(stored[seen.key], seen, now) for seen in later}
        return stored


def _bonds(plans: Plans) -> tuple[Bonds, set[str]]:
    """The bonds of all plans, and the keys of those that contradict others: they are decided again."""
    bonds, late = Bonds(), set()
    for key, plan in plans.items():
        if _contradicts(plan, bonds.aliases):
            late.add(key)
            continue
        bonds.released += plan.released
        bonds.aliases |= {alias.key: alias for alias in plan.aliases}
        bonds.moved |= {alias.key: alias.article for alias in plan.moved}
    return bonds, late


def _contradicts(plan: WritePlan, aliases: Mapping[str, Alias]) -> bool:
    """Whether a plan makes a URL the alias of one article that another plan of the round makes that of another."""
    return any(alias.key in aliases and aliases[alias.key].article != alias.article for alias in plan.aliases)


def _outcome(key: str, plan: WritePlan, progress: BatchProgress) -> Outcome:
    """The outcome of a plan; DUPLICATE, too, when it brought nothing but the end of another article."""
    is_bond = key in progress.bound and plan.outcome is Outcome.SAME
    return Outcome.DUPLICATE if is_bond else plan.outcome


def _note_overtaken(plans: Sequence[WritePlan], progress: BatchProgress) -> None:
    """Remember the states that were written down as superseded by plans that came too late."""
    progress.overtaken |= {plan.key: plan.old for plan in plans if plan.old and plan.decision.changed}


def _note_done(done: Plans, progress: BatchProgress) -> None:
    """Remember what is to be looked at when all is stored, and log which articles are self-updating now."""
    for key, plan in done.items():
        state = plan.decision.state
        if plan.old is None:
            progress.new[key] = state
        if _may_be_unlinked(plan):
            progress.unlinked[plan.key] = state
        if state.ticker and plan.old and not plan.old.ticker:
            logger.warning(
                "%s changes all the time: from now on its text is kept up to date without revisions",
                state.article.url,
            )


def _next_turn(articles: Sequence[Article], waiting: Sequence[int]) -> dict[str, int]:
    """The next articles to be decided, index by key: of those with the same key or content only the first."""
    turn: dict[str, int] = {}
    contents: set[str | None] = {None}
    for index in waiting:
        article = articles[index]
        content = identity(article)
        if article.key not in turn and (content is None or content not in contents):
            turn[article.key] = index
        contents.add(content)
    return turn


async def _signed(plans: Plans) -> Plans:
    """The plans, with signatures where the text is new. Off the event loop: it takes a while."""
    unsigned = [plan for plan in plans.values() if plan.old is None or has_new_content(plan.decision)]
    if unsigned:
        states = await asyncio.to_thread(documents.signed, [plan.decision.state for plan in unsigned])
        for plan, state in zip(unsigned, states, strict=True):
            plan.decision.state = state
    return plans


def _may_be_unlinked(plan: WritePlan) -> bool:
    """Whether the story of an article has to be looked for.

    Of a text that is stored already only if a worker may have died between storing it and looking for its story.
    """
    state = plan.decision.state
    if plan.old is None or state.signature != plan.old.signature:
        return True
    is_alone = state.story is None or story_clusters.is_own(state.article.key, state.story)
    return is_alone and state.last_seen_at - state.first_seen_at <= TAKEN_OVER

"""A batch of articles is stored in a handful of round trips, against any number of other workers.

Read what is stored, decide, write the superseded states, then the articles. Each write of an article holds only
for the revision that was read: when another worker was faster, the article is read and decided again.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pymongo.asynchronous.collection import AsyncCollection

from rfispider.items import Article, Outcome
from rfispider.mongo.errors import DatabaseError
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.policy import story_clusters
from rfispider.storage.policy.identity import identity, seen_elsewhere, seniority
from rfispider.storage.policy.versioning import ArticleVersion, Decision, decide
from rfispider.storage.search.index import SearchIndex
from rfispider.storage.write.aliases import AliasWriter, aliased, rival
from rfispider.storage.write.bulk_writes import BulkWriter, WritePlan, has_new_content, has_new_words, superseded_states
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
    merged: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of stories whose articles turned out to be one."""
    reread_at: datetime | None = None
    """When pages that are stored were parsed again (UTC); None for pages that were fetched."""


class Writer:
    """Stores articles. One object may be used by many tasks at once."""

    def __init__(
        self, articles: AsyncCollection[Document], revisions: AsyncCollection[Document], search: SearchIndex
    ) -> None:
        self._articles = articles
        self._search = search
        self._bulk = BulkWriter(articles)
        self._revisions = RevisionWriter(revisions)
        self._aliases = AliasWriter(articles, self._revisions)
        self._stories = StoryLinker(articles)

    async def save(self, articles: Sequence[Article], reread_at: datetime | None = None) -> list[Outcome]:
        """NEW, CHANGED, SAME or DUPLICATE for each article, in order; FAILED for one that MongoDB cannot hold.

        DUPLICATE is one whose URL was stored as an alias of another article. FAILED is logged with its reason. The
        same article may come several times: each is decided after the one before it. When this returns, all else
        is on the disks of a majority, and has its story.

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
        await self._stories.link(list(progress.unlinked.values()), progress.merged)
        await self._stories.pair(list(progress.new.values()))
        return [outcomes[index] for index in range(len(articles))]

    async def _round(self, articles: Sequence[Article], progress: BatchProgress) -> dict[str, Outcome]:
        """Outcomes by key of the articles that could be stored; keys differ. What is missing lost a race."""
        stored = await self._read([article.key for article in articles])
        await self._revisions.correct(progress.overtaken, stored)
        progress.overtaken.clear()
        plans, ended = await self._plans(articles, stored, progress)
        await self._revisions.write(superseded_states(plans.values()))
        await self._search.add([plan.decision.state.article for plan in plans.values() if has_new_words(plan)])
        result = await self._bulk.write(plans)
        _note_overtaken([plans[key] for key in result.late], progress)
        for key, reason in result.refused.items():
            logger.error("article %s was not stored: %s", plans[key].decision.state.article.url, reason)
        done = {key: plan for key, plan in plans.items() if result.is_done(key)}
        await self._note_done(done, progress)
        outcomes = {key: plan.outcome for key, plan in done.items()}
        return outcomes | ended | dict.fromkeys(result.refused, Outcome.FAILED)

    async def _plans(
        self, articles: Sequence[Article], stored: Mapping[str, ArticleVersion], progress: BatchProgress
    ) -> tuple[Plans, dict[str, Outcome]]:
        """What is to become of each article, by key, and outcomes of those that are settled by now.

        An article that has to be read again, since what stood in its way has just been merged, is in neither.
        """
        decisions, unstored = _decisions(articles, stored, progress.reread_at)
        rewritten = {key: decision for key, decision in decisions.items() if has_new_content(decision)}
        texts = [*unstored, *(decision.state.article for decision in rewritten.values())]
        candidates = await self._aliases.candidates(texts)
        ended: dict[str, Outcome] = {}
        for key, decision in rewritten.items():
            other = rival(decision.state, candidates)
            if other:
                del decisions[key]
                ended |= await self._merge(stored[key], other, progress)
        plans = {key: WritePlan(stored[key], decision, decision.outcome) for key, decision in decisions.items()}
        for article in unstored:
            plans[article.key] = await self._plan(article, candidates)
        return await _signed(plans), ended

    async def _merge(
        self, changed: ArticleVersion, other: ArticleVersion, progress: BatchProgress
    ) -> dict[str, Outcome]:
        """Make one of an article that is about to change and another that has this content already."""
        elder, later = sorted((changed, other), key=seniority)
        if not await self._aliases.merge(elder, later):
            return {}
        if elder.story and later.story:
            progress.merged.append((elder.story, later.story))
        return {changed.article.key: Outcome.DUPLICATE} if later is changed else {}

    async def _plan(self, seen: Article, candidates: Sequence[ArticleVersion]) -> WritePlan:
        """What is to become of an article whose URL is no document."""
        owner = await self._aliases.owner(seen, candidates)
        if owner:
            decision = decide(owner, seen_elsewhere(owner.article, seen))
            decision.state.last_seen_at = max(owner.last_seen_at, seen.fetched_at)
            return WritePlan(owner, decision, Outcome.DUPLICATE)
        decision = decide(None, seen)
        released = aliased(seen, candidates)
        if released:
            decision.state.revision += await self._revisions.last_number(seen.key)
        return WritePlan(None, decision, decision.outcome, tuple(released))

    async def _note_done(self, done: Mapping[str, WritePlan], progress: BatchProgress) -> None:
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
            if plan.released:
                await self._aliases.release(state.article, plan.released)

    async def _read(self, keys: Sequence[str]) -> dict[str, ArticleVersion]:
        cursor = self._articles.find({"_id": {"$in": list(keys)}}, PROJECTION, batch_size=len(keys) + 1)
        return {document["_id"]: documents.stored(document) for document in await cursor.to_list()}


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


def _decisions(
    articles: Sequence[Article], stored: Mapping[str, ArticleVersion], reread_at: datetime | None
) -> tuple[dict[str, Decision], list[Article]]:
    """Decisions, by key, on the articles whose key is stored, and the other articles."""
    decisions: dict[str, Decision] = {}
    unstored = []
    for article in articles:
        if article.key in stored:
            decisions[article.key] = decide(stored[article.key], article, reread_at=reread_at)
        else:
            unstored.append(article)
    return decisions, unstored


async def _signed(plans: Plans) -> Plans:
    """The plans, with signatures where the text is new. Off the event loop: it takes a while."""
    unsigned = [plan for plan in plans.values() if plan.old is None or has_new_content(plan.decision)]
    if unsigned:
        states = await asyncio.to_thread(documents.signed, [plan.decision.state for plan in unsigned])
        for plan, state in zip(unsigned, states, strict=True):
            plan.decision.state = state
    return plans


def _note_overtaken(plans: Collection[WritePlan], progress: BatchProgress) -> None:
    """Remember the states that were written down as superseded by plans that came too late."""
    progress.overtaken |= {plan.key: plan.old for plan in plans if plan.old and plan.decision.changed}


def _may_be_unlinked(plan: WritePlan) -> bool:
    """Whether the story of an article has to be looked for.

    Of a text that is stored already only if a worker may have died between storing it and looking for its story.
    """
    state = plan.decision.state
    if plan.old is None or state.signature != plan.old.signature:
        return True
    is_alone = state.story is None or story_clusters.is_own(state.article.key, state.story)
    return is_alone and state.last_seen_at - state.first_seen_at <= TAKEN_OVER

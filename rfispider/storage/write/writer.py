"""A batch of articles is stored in a handful of round trips, against any number of other workers.

Read what is stored, decide, write the superseded states, then the articles. Each write of an article holds only
for the revision that was read: when another worker was faster, the article is read and decided again. A crash
between the two writes leaves a superseded state that the next attempt writes again, under the same `_id`.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bson.errors import BSONError
from pymongo import ReplaceOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, DocumentTooLarge, OperationFailure

from rfispider.items import Article, Outcome
from rfispider.mongo.errors import DatabaseError
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.policy import story_clusters
from rfispider.storage.policy.identity import identity, seniority, sight
from rfispider.storage.policy.versioning import ArticleVersion, decide, edits
from rfispider.storage.search.index import SearchIndex
from rfispider.storage.write.aliases import AliasWriter, aliased, rival
from rfispider.storage.write.bulk_writes import (
    Write,
    WritePlan,
    has_new_content,
    has_new_words,
    sorted_out,
    superseded,
    unfit,
    write,
)
from rfispider.storage.write.story_links import StoryLinker

logger = logging.getLogger(__name__)

LOST_RACES = 50
"""Rounds in a row in which every single write came too late, before something else must be wrong."""

TAKEN_OVER = timedelta(days=1)
"""Within this time an article that a dead worker had stored is seen again by the one that takes over."""


@dataclass(slots=True)
class BatchProgress:
    """What one batch carries from round to round."""

    lost: dict[str, ArticleVersion] = field(default_factory=dict)
    """States that it wrote down as superseded by a write of its own, when it was another's."""
    unlinked: dict[str, ArticleVersion] = field(default_factory=dict)
    """Articles, by key, whose story has to be looked for."""
    new: dict[str, ArticleVersion] = field(default_factory=dict)
    merged: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of stories whose articles turned out to be one."""
    reread_at: datetime | None = None
    """When pages that are stored were read again; None for new sights."""


class Writer:
    """Stores articles. One object may be used by many tasks at once."""

    def __init__(
        self, articles: AsyncCollection[Document], revisions: AsyncCollection[Document], search: SearchIndex
    ) -> None:
        self._articles = articles
        self._revisions = revisions
        self._search = search
        self._identities = AliasWriter(articles, revisions)
        self._stories = StoryLinker(articles)

    async def save(self, articles: Sequence[Article], reread_at: datetime | None = None) -> list[Outcome]:
        """NEW, CHANGED, SAME or DUPLICATE for each article, in order; FAILED for one that MongoDB cannot hold.

        DUPLICATE is one whose URL was stored as an alias of another article. FAILED is logged with its reason. The
        same article may come several times: each is decided after the one before it. When this returns, all else
        is on the disks of a majority, and has its story. Raises PyMongoError when the server fails, DatabaseError
        when no write gets through between those of others.
        """
        outcomes: dict[int, Outcome] = {}
        waiting = list(range(len(articles)))
        progress = BatchProgress(reread_at=reread_at)
        races = 0
        while waiting:
            first = _turn(articles, waiting)
            settled = await self._round([articles[index] for index in first.values()], progress)
            outcomes |= {first[key]: outcome for key, outcome in settled.items()}
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
        await self._correct(progress.lost, stored)
        plans, ended = await self._plans(articles, stored, progress)
        await self._supersede([superseded(plan) for plan in plans.values() if plan.decision.changed])
        await self._search.add([plan.decision.state.article for plan in plans.values() if has_new_words(plan)])
        writes = {key: made for key, plan in plans.items() if (made := write(plan))}
        late, refused = await self._write(writes)
        late |= await self._outrun({key: plans[key] for key in refused})
        for key in refused.keys() - late:
            logger.error("article %s was not stored: %s", plans[key].decision.state.article.url, refused[key])
        done = {key: plan for key, plan in plans.items() if key not in late and key not in refused}
        overtaken = [plan for key, plan in plans.items() if key in late and plan.decision.changed]
        progress.lost |= {plan.key: plan.old for plan in overtaken if plan.old}
        await self._note(done, progress)
        outcomes = {key: plan.outcome for key, plan in done.items()}
        return outcomes | ended | dict.fromkeys(refused.keys() - late, Outcome.FAILED)

    async def _plans(
        self, articles: Sequence[Article], stored: Mapping[str, ArticleVersion], progress: BatchProgress
    ) -> tuple[dict[str, WritePlan], dict[str, Outcome]]:
        """What is to become of each article, by key, and outcomes of those that are settled by now.

        An article that has to be read again, since what stood in its way has just been merged, is in neither.
        """
        known = {
            article.key: decide(stored[article.key], article, reread_at=progress.reread_at)
            for article in articles
            if article.key in stored
        }
        strangers = [article for article in articles if article.key not in stored]
        rewritten = [key for key, decision in known.items() if has_new_content(decision)]
        others = await self._identities.candidates([*strangers, *(known[key].state.article for key in rewritten)])
        ended: dict[str, Outcome] = {}
        for key in rewritten:
            other = rival(known[key].state, others)
            if other:
                del known[key]
                ended |= await self._merge(stored[key], other, progress)
        plans = {key: WritePlan(stored[key], decision, decision.outcome) for key, decision in known.items()}
        plans |= {article.key: await self._plan(article, others) for article in strangers}
        return await self._signed(plans), ended

    async def _merge(
        self, changed: ArticleVersion, other: ArticleVersion, progress: BatchProgress
    ) -> dict[str, Outcome]:
        """Make one of an article that is about to change and another that has this content already."""
        elder, later = sorted((changed, other), key=seniority)
        if not await self._identities.merge(elder, later):
            return {}
        if elder.story and later.story:
            progress.merged.append((elder.story, later.story))
        return {changed.article.key: Outcome.DUPLICATE} if later is changed else {}

    async def _plan(self, seen: Article, others: Sequence[ArticleVersion]) -> WritePlan:
        """What is to become of an article whose URL is no document."""
        owner = await self._identities.owner(seen, others)
        if owner:
            decision = decide(owner, sight(owner.article, seen))
            decision.state.last_seen_at = max(owner.last_seen_at, seen.fetched_at)
            return WritePlan(owner, decision, Outcome.DUPLICATE)
        decision = decide(None, seen)
        released = aliased(seen, others)
        if released:
            decision.state.revision += await self._identities.last_revision(seen.key)
        return WritePlan(None, decision, decision.outcome, tuple(released))

    async def _signed(self, plans: dict[str, WritePlan]) -> dict[str, WritePlan]:
        """The plans, with signatures where the text is new. Off the event loop: it takes a while."""
        unsigned = [plan for plan in plans.values() if plan.old is None or has_new_content(plan.decision)]
        if unsigned:
            states = await asyncio.to_thread(documents.signed, [plan.decision.state for plan in unsigned])
            for plan, state in zip(unsigned, states, strict=True):
                plan.decision.state = state
        return plans

    async def _note(self, done: Mapping[str, WritePlan], progress: BatchProgress) -> None:
        """Remember what is to be looked at when all is stored, and say which articles are tickers now."""
        for key, plan in done.items():
            state = plan.decision.state
            if plan.old is None:
                progress.new[key] = state
            if plan.old is None or state.signature != plan.old.signature or _may_be_unlinked(state):
                progress.unlinked[plan.key] = state
            if state.ticker and plan.old and not plan.old.ticker:
                logger.warning(
                    "%s changes all the time: from now on its text is kept up to date without revisions",
                    state.article.url,
                )
            if plan.released:
                await self._identities.release(state.article, plan.released)

    async def _read(self, keys: Sequence[str]) -> dict[str, ArticleVersion]:
        found = self._articles.find({"_id": {"$in": list(keys)}}, PROJECTION, batch_size=len(keys) + 1)
        return {document["_id"]: documents.stored(document) for document in await found.to_list()}

    async def _supersede(self, superseded: Sequence[Document]) -> None:
        if superseded:
            replacements = [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in superseded]
            await self._revisions.bulk_write(replacements, ordered=False)

    async def _correct(self, lost: dict[str, ArticleVersion], stored: Mapping[str, ArticleVersion]) -> None:
        """Write again, with what really came after them, the superseded states of writes that lost their race."""
        if not lost:
            return
        corrected = []
        for key, old in lost.items():
            successor = await self._successor(old, stored[key]) if key in stored else None
            if successor:
                # By now the successor may have been touched up so that no edit is left to see.
                changed = edits(old.article, successor.article) or ["fetched_at"]
                corrected.append(documents.revision_document(old, successor.changed_at, changed))
        await self._supersede(corrected)
        lost.clear()

    async def _successor(self, old: ArticleVersion, present: ArticleVersion) -> ArticleVersion | None:
        """The state that came right after an old one; None when the old one still holds."""
        following = old.revision + 1
        if present.revision <= following:
            return present if present.revision == following else None
        document = await self._revisions.find_one({"_id": documents.revision_id(old.article.key, following)})
        if document is None:
            return None
        article = documents.article(old.article.key, document)
        at = document["valid_from"]
        return ArticleVersion(article=article, revision=following, first_seen_at=at, last_seen_at=at, changed_at=at)

    async def _outrun(self, refused: Mapping[str, WritePlan]) -> set[str]:
        """Those of the refused changes that came too late.

        An update that finds another revision tries to insert what little it holds, and the validator may refuse
        that before the `_id` collides. Revisions only grow: if the one meant still holds, it was found.
        """
        meant = {key: plan.old for key, plan in refused.items() if plan.old}
        if not meant:
            return set()
        keys = [old.article.key for old in meant.values()]
        cursor = self._articles.find({"_id": {"$in": keys}}, {"revision": 1})
        present = {document["_id"]: document["revision"] for document in await cursor.to_list()}
        return {key for key, old in meant.items() if present.get(old.article.key) != old.revision}

    async def _write(self, writes: Mapping[str, Write]) -> tuple[set[str], dict[str, str]]:
        """Write all articles; the keys of those that came too late, and what was refused with the reason."""
        if not writes:
            return set(), {}
        keys = list(writes)
        try:
            await self._articles.bulk_write(list(writes.values()), ordered=False)
        except BulkWriteError as error:
            return sorted_out(error, keys)
        except (BSONError, OperationFailure, DocumentTooLarge, UnicodeError, OverflowError):
            # For one document that cannot be sent, driver or server refuse the whole batch.
            faulty = {key: why for key, one in writes.items() if (why := unfit(one))}
            if not faulty:
                raise
            late, refused = await self._write({key: one for key, one in writes.items() if key not in faulty})
            return late, refused | faulty
        return set(), {}


def _turn(articles: Sequence[Article], waiting: Sequence[int]) -> dict[str, int]:
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


def _may_be_unlinked(state: ArticleVersion) -> bool:
    """Whether a worker may have died between storing an article and looking for its story."""
    alone = state.story is None or story_clusters.is_own(state.article.key, state.story)
    return alone and state.last_seen_at - state.first_seen_at <= TAKEN_OVER

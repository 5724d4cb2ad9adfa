"""Other URLs of an article in MongoDB: who has the content or the URL already, bonds that are made and undone.

The steps of each follow one another so that a crash between any two leaves no URL both an article and an alias, and no
state lost: the next answer of the URL completes what was begun.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from rfispider.items import Article
from rfispider.site import urls
from rfispider.storage import documents
from rfispider.storage.documents import IN_ONE_TRIP, PROJECTION, Document
from rfispider.storage.policy.bonds import Alias, BondClaim, Why
from rfispider.storage.policy.field_updates import SOURCES_MAX
from rfispider.storage.policy.identity import identity
from rfispider.storage.policy.versioning import ArticleVersion
from rfispider.storage.write.bulk_writes import guard
from rfispider.storage.write.revisions import RevisionWriter

_DUPLICATE_KEY = 11000


@dataclass(frozen=True, slots=True)
class Ending:
    """An article that becomes an alias of another."""

    ended: ArticleVersion
    into: ArticleVersion
    why: Why
    at: datetime
    """When the request was sent whose answer shows it (UTC)."""


@dataclass(frozen=True, slots=True)
class Relatives:
    """What the archive holds that articles may be bound to, or were."""

    articles: Sequence[ArticleVersion] = ()
    """Live articles that any of them may be, by content, alias, redirect or short link."""
    aliases: Mapping[str, Alias] | None = None
    """By key: their own URLs and those that led to them, where they are aliases."""
    ended: Mapping[str, ArticleVersion] | None = None
    """By key: the last state of those that were articles once."""


class AliasWriter:
    """Reads and writes which URLs are one article. One object may be used by many tasks at once."""

    def __init__(
        self,
        articles: AsyncCollection[Document],
        revisions: RevisionWriter,
        aliases: AsyncCollection[Document],
        claims: AsyncCollection[Document],
    ) -> None:
        self._articles = articles
        self._revisions = revisions
        self._aliases = aliases
        self._claims = claims

    # ---- Reading -----------------------------------------------------------------------------------------

    async def relatives(self, unstored: Sequence[Article], questioned: Sequence[Article]) -> Relatives:
        """What articles may be bound to: those whose URL is no article, and stored ones that have to be compared."""
        seen = [*unstored, *questioned]
        if not seen:
            return Relatives((), {}, {})
        keys = [article.key for article in unstored]
        linked = [urls.key(url) for article in seen for url in article.aliases]
        candidates, aliases, ended = await asyncio.gather(
            self._candidates(unstored, seen), self.read([*keys, *linked]), self._revisions.ended(keys)
        )
        present = {each.article.key for each in candidates}
        owners = {alias.article for alias in aliases.values()} - present
        # Known only by the record: a worker died before it added the URL to the article's list.
        candidates += await self._live(owners) if owners else []
        states = {key: documents.ended_state(document, aliases.get(key)) for key, document in ended.items()}
        return Relatives(candidates, aliases, states)

    async def read(self, keys: Collection[str]) -> dict[str, Alias]:
        """Aliases by their key."""
        cursor = self._aliases.find({"_id": {"$in": list(keys)}}, batch_size=IN_ONE_TRIP)
        return {document["_id"]: documents.alias(document) for document in await cursor.to_list()}

    async def of_article(self, key: str) -> list[Alias]:
        """All aliases of an article."""
        return [documents.alias(document) async for document in self._aliases.find({"article": key})]

    async def claim(self, key: str) -> BondClaim | None:
        """The last claim of an article; None when there is none."""
        document = await self._claims.find_one({"_id": key})
        return documents.claim(document) if document else None

    async def has_had(self, key: str, content_hash: str) -> bool:
        """Whether an article had this content before it had the present one."""
        return await self._revisions.has_content(key, content_hash)

    async def _candidates(self, unstored: Sequence[Article], seen: Sequence[Article]) -> list[ArticleVersion]:
        cursor = self._articles.find({"$or": _clauses(unstored, seen)}, PROJECTION)
        return [documents.stored(document) for document in await cursor.to_list()]

    async def _live(self, keys: Collection[str]) -> list[ArticleVersion]:
        cursor = self._articles.find({"_id": {"$in": list(keys)}}, PROJECTION)
        return [documents.stored(document) for document in await cursor.to_list()]

    # ---- Bonds -------------------------------------------------------------------------------------------

    async def note_claims(self, claims: Collection[BondClaim]) -> None:
        """Note what the latest answers show that are not confirmed yet; that of a later request stays."""
        writes = [
            UpdateOne(
                {"_id": claim.key, "at": {"$lte": claim.at}},
                {"$set": documents.claim_document(claim), "$currentDate": {"noted_at": True}},
                upsert=True,
            )
            for claim in claims
        ]
        await _bulk(self._claims, writes)

    async def write(self, aliases: Collection[Alias], moved: Mapping[str, str]) -> set[str]:
        """Write aliases; returns the keys of those that are bound to another article by now.

        `moved` are keys of those that were aliases of another article until now, with the key of that one.
        """
        writes = []
        for alias in aliases:
            values = documents.alias_document(alias)
            del values["_id"]
            seen = {name: values.pop(name) for name in ("first_seen_at", "last_seen_at")}
            absent = {name: "" for name in ("other_content", "other_since", "via") if name not in values}
            owners = [alias.article, *([moved[alias.key]] if alias.key in moved else [])]
            update = {
                "$set": values,
                "$min": {"first_seen_at": seen["first_seen_at"]},
                "$max": {"last_seen_at": seen["last_seen_at"]},
                "$unset": absent,
            }
            update = {operator: operands for operator, operands in update.items() if operands}
            writes.append(UpdateOne({"_id": alias.key, "article": {"$in": owners}}, update, upsert=True))
        late = await _bulk(self._aliases, writes)
        keys = [alias.key for alias in aliases]
        return {keys[index] for index in late}

    async def end(self, ending: Ending) -> bool:
        """Make an article an alias of another: its states stay under its own key, its URLs become aliases.

        False when another worker changed it at the same moment: nothing has ended then, and it has to be read and
        decided again.
        """
        ended, into = ending.ended, ending.into
        until = max(ended.changed_at, ended.last_seen_at)
        await self._revisions.write([documents.revision_document(ended, until, ["url"])])
        unchanged = {"_id": ended.article.key, **guard(ended), "aliases": ended.article.aliases}
        deleted = await self._articles.delete_one(unchanged)
        if not deleted.deleted_count:
            await self._revive(ended)
            return False
        await self.write([_alias_of(ending)], {})
        await self._move(ended.article.key, into.article.key)
        room = max(SOURCES_MAX - len(into.article.sources), 0)
        grown = {
            "$addToSet": {
                "aliases": {"$each": [ended.article.url, *ended.article.aliases]},
                "sources": {"$each": ended.article.sources[:room]},
            },
            "$max": {"last_seen_at": ended.last_seen_at},
        }
        await self._list(ended.article.key, grown)
        return True

    async def _move(self, key: str, owner: str) -> None:
        """Make what is an alias of one article one of another, which the first has become an alias of."""
        via = [{"$set": {"article": owner, "via": {"$ifNull": ["$via", key]}}}]
        await self._aliases.update_many({"article": key}, via)

    async def _list(self, key: str, grown: Document) -> None:
        """Have its article list an alias; that may become an alias itself at the same moment."""
        listed = None
        while (alias := (await self.read([key])).get(key)) and alias.article != listed:
            listed = alias.article
            updated = await self._articles.update_one({"_id": listed}, grown)
            leader = None if updated.matched_count else (await self.read([listed])).get(listed)
            if leader:
                await self._move(listed, leader.article)

    async def _revive(self, ended: ArticleVersion) -> None:
        """Take back the superseded state of an article that did not end after all."""
        document = await self._articles.find_one({"_id": ended.article.key}, PROJECTION)
        if document is None:
            return
        present = documents.stored(document)
        if present.revision == ended.revision:
            await self._revisions.remove(ended)
        else:
            await self._revisions.correct({ended.article.key: ended}, {ended.article.key: present})

    async def release(self, aliases: Collection[Alias]) -> None:
        """Undo bonds: what was an alias is none any more."""
        if not aliases:
            return
        released = [alias.url for alias in aliases]
        await self.pull(released)
        await self._aliases.delete_many({"_id": {"$in": [alias.key for alias in aliases]}})

    async def pull(self, released: Collection[str], but: str = "") -> None:
        """Take URLs from the lists of all articles `but` one, given by its key."""
        query: Document = {"aliases": {"$in": list(released)}, "aliases.0": {"$exists": True}, "_id": {"$ne": but}}
        await self._articles.update_many(query, {"$pull": {"aliases": {"$in": list(released)}}})

    async def free(self, holders: Collection[ArticleVersion]) -> None:
        """Let another article have the content that these hold, whose latest answers show another."""
        writes = [
            UpdateOne({"_id": each.article.key, "identity": identity(each.article)}, {"$unset": {"identity": ""}})
            for each in holders
        ]
        await _bulk(self._articles, writes)

    async def settle(self, inserted: Collection[str]) -> None:
        """Release what became an article while another worker made it an alias: of the two, the article stays."""
        bound = await self.read(inserted) if inserted else {}
        await self.release(bound.values())

    async def yield_to_articles(self, aliases: Collection[Alias]) -> None:
        """The other side of `settle`, for whoever wrote the aliases."""
        live = await self._live([alias.key for alias in aliases]) if aliases else []
        keys = {each.article.key for each in live}
        await self.release([alias for alias in aliases if alias.key in keys])


def _alias_of(ending: Ending) -> Alias:
    ended = ending.ended
    return Alias(
        key=ended.article.key,
        url=ended.article.url,
        article=ending.into.article.key,
        why=ending.why,
        title=ended.article.title,
        published_at=ended.article.published_at,
        first_seen_at=ended.first_seen_at,
        last_seen_at=max(ended.last_seen_at, ending.at),
    )


async def _bulk(collection: AsyncCollection[Document], writes: Sequence[Any]) -> list[int]:
    """Write all; returns the places of those that were too late, and collided with the `_id` of what is there."""
    try:
        if writes:
            await collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if error.details["writeConcernErrors"] or any(each["code"] != _DUPLICATE_KEY for each in failures):
            raise
        return [each["index"] for each in failures]
    return []


def _clauses(unstored: Sequence[Article], seen: Sequence[Article]) -> list[Document]:
    """Conditions on stored articles, each answered from an index, of which candidates meet one at least."""
    identities = [name for article in seen if (name := identity(article))]
    short_codes = [article.short_code for article in unstored if article.short_code]
    linked = [urls.key(url) for article in seen for url in article.aliases]
    # The second condition on aliases is always true of a match: it makes the partial index do.
    aliases = {"aliases": {"$in": [article.url for article in unstored]}, "aliases.0": {"$exists": True}}
    conditions = {"identity": identities, "short_code": short_codes, "_id": linked}
    return [aliases, *({name: {"$in": values}} for name, values in conditions.items() if values)]


def moved_to(key: str, alias: Alias) -> Alias:
    """The alias as one of another article, given by its key."""
    return replace(alias, article=key, via=None)

"""An archive of an earlier release is brought into the form of this one, document by document.

A document is rewritten as this release would have written it: read into records, made a document again, and what the
old one lacks is added. Then articles find their duplicates, stories and twins as new ones do. The number of the form is
written last, so a batch that was interrupted is done again; after each batch the place is noted, so that a run that was
killed is taken up where it stood.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from rfispider.items import SCHEMA
from rfispider.mongo import schema
from rfispider.site.urls import key
from rfispider.storage import documents
from rfispider.storage.documents import PROJECTION, Document
from rfispider.storage.policy.bonds import Alias, Why
from rfispider.storage.policy.identity import seniority
from rfispider.storage.schema import ALIAS_RECORDS, ARTICLES, CLAIMS, INDEXES, RETIRED, REVISIONS, RUNS, SEARCH
from rfispider.storage.search.index import SearchIndex
from rfispider.storage.validators import VALIDATORS
from rfispider.storage.write.aliases import AliasWriter, Ending
from rfispider.storage.write.revisions import RevisionWriter
from rfispider.storage.write.story_links import StoryLinker

MIGRATED_PER_BATCH = 500
"""Documents in one round trip."""

_REFUSALS = frozenset({121, 11000})
"""Error codes of one document and not of the server: DocumentValidationFailure, DuplicateKey."""

Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]

Progress = Callable[[str, int], None]
"""Is told the name of a collection and how many more of its documents were looked at."""

Added = Callable[[Document], Document]
"""Gives the fields that a document of an earlier form lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationPlan:
    """What a migration has to do."""

    version: int
    """The version that the database is in; that of this release when it is empty."""
    documents: Mapping[str, int]
    """Collection -> documents in an earlier form; empty when there is nothing to do."""


@dataclass(slots=True, kw_only=True)
class Migrated:
    """What a migration did."""

    documents: dict[str, int] = field(default_factory=dict)
    """Collection -> documents that were brought into the new form, those that became aliases included."""
    refused: list[str] = field(default_factory=list)
    """Collection and `_id` of documents that the validators do not take in the new form, with the reason."""


async def plan(database: Database, others: Mapping[str, Added]) -> MigrationPlan:
    """What is to be done, by reading alone. Reads every collection once; `others` are as for `migrate`.

    Raises:
        SchemaMismatch: the database was written by a later release.

    """
    version = await _version(database)
    if version == SCHEMA:
        return MigrationPlan(version=version, documents={})
    names = (ARTICLES, REVISIONS, RUNS, *others)
    return MigrationPlan(
        version=version, documents={name: await database[name].count_documents(_EARLIER) for name in names}
    )


async def migrate(database: Database, others: Mapping[str, Added], progress: Progress | None = None) -> Migrated:
    """Bring a database into the form of this release.

    `others` are collections beside the archive's, with what their documents get. May be stopped and run again at any
    time, and by several at once. While a document is refused by the validators the database stays in its version.

    Raises:
        SchemaMismatch: it was written by a later release.

    """
    version = await _version(database)
    if version == SCHEMA:
        return Migrated()
    await schema.begin_migration(database, version)
    for name, index in RETIRED:
        await schema.drop_index(database, name, index)
    await schema.install(database, {**schema.VALIDATORS, **VALIDATORS}, INDEXES)
    steps = _steps(database, others)
    done = Migrated(documents=dict.fromkeys(steps, 0))
    # After a pass a document may be left that a worker of the earlier release wrote behind it.
    while await _left(database, steps) and not done.refused:
        for name, step in steps.items():
            async for batch in _batches(database, name):
                await step(batch, done)
                await schema.save_position(database, name, batch[-1]["_id"])
                if progress:
                    progress(name, len(batch))
        await schema.drop_positions(database)
    if not done.refused:
        await schema.write_version(database)
    return done


async def _version(database: Database) -> int:
    """The version that a database is in, that of this release when it is empty."""
    version = await schema.version(database)
    if version is None:
        return SCHEMA
    if version > SCHEMA:
        schema.check_version(database.name, version)
    return version


async def _left(database: Database, names: Mapping[str, Any]) -> bool:
    """Whether any document is in an earlier form."""
    return any([await database[name].find_one(_EARLIER, {"_id": 1}) for name in names])


_EARLIER: Document = {schema.VERSION: {"$lt": SCHEMA}}


async def _batches(database: Database, name: str) -> AsyncIterator[list[Document]]:
    """The documents of a collection that are in an earlier form, in the order of `_id`, from the noted place."""
    after = await schema.position(database, name)
    while True:
        query = {"_id": {"$gt": after}} if after else {}
        batch = await database[name].find(query).sort("_id").limit(MIGRATED_PER_BATCH).to_list()
        if not batch:
            return
        yield batch
        after = batch[-1]["_id"]


def _steps(database: Database, others: Mapping[str, Added]) -> dict[str, "_Step"]:
    steps: dict[str, _Step] = {name: _Step(database[name], added) for name, added in others.items()}
    steps[RUNS] = _Step(database[RUNS], lambda _: {})
    steps[REVISIONS] = _Step(database[REVISIONS], _revision)
    steps[ARTICLES] = _Articles(database)
    return steps


class _Step:
    """Brings batches of one collection into the new form."""

    def __init__(self, collection: Collection, added: Added) -> None:
        self.collection = collection
        self.added = added

    async def __call__(self, batch: Sequence[Document], done: Migrated) -> None:
        earlier = {each["_id"]: each for each in batch if _is_earlier(each)}
        made = await asyncio.to_thread(lambda: {name: self.added(each) for name, each in earlier.items()})
        lacking = {
            name: {each: value for each, value in fields.items() if each not in earlier[name]}
            for name, fields in made.items()
        }
        refused = await self.fill(lacking)
        rest = {name: {schema.VERSION: SCHEMA} for name in earlier if name not in refused}
        refused |= await self.set(rest)
        done.refused += [f"{self.collection.name} {name}: {why}" for name, why in refused.items()]
        done.documents[self.collection.name] += len(earlier) - len(refused)

    async def fill(self, lacking: Mapping[str, Document]) -> dict[str, str]:
        """Write what documents lack, given by `_id`; returns those that were refused, with the reason."""
        return await self.set(lacking)

    async def set(self, fields: Mapping[str, Document]) -> dict[str, str]:
        """Set fields of documents, given by `_id`; returns those that were refused, with the reason."""
        writes = [UpdateOne({"_id": name}, {"$set": each}) for name, each in fields.items() if each]
        try:
            if writes:
                await self.collection.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if error.details["writeConcernErrors"] or any(each["code"] not in _REFUSALS for each in failures):
                raise
            return {each["op"]["q"]["_id"]: each["errmsg"] for each in failures}
        return {}


class _Articles(_Step):
    """Articles also find their duplicates, their stories and their twins, and are filed to be searched."""

    def __init__(self, database: Database) -> None:
        articles = database[ARTICLES]
        super().__init__(articles, _article)
        revisions = RevisionWriter(articles, database[REVISIONS])
        self.aliases = AliasWriter(articles, revisions, database[ALIAS_RECORDS], database[CLAIMS])
        self.stories = StoryLinker(articles)
        self.search = SearchIndex(articles, database[SEARCH])

    async def __call__(self, batch: Sequence[Document], done: Migrated) -> None:
        await self.search.add([documents.stored(each).article for each in batch if _is_of_first_release(each)])
        await super().__call__(batch, done)
        await self.note_aliases([each for each in batch if _is_earlier(each) and each["aliases"]])

    async def fill(self, lacking: Mapping[str, Document]) -> dict[str, str]:
        # What turns out to be an alias needs the new form to be made one, and must not collide before.
        names = {name: fields.pop("identity") for name, fields in lacking.items() if "identity" in fields}
        refused = await self.set(lacking)
        names = {name: identity for name, identity in names.items() if name not in refused}
        for name in await self.set({name: {"identity": identity} for name, identity in names.items()}):
            await self.merge(name, names[name])
        filled = await self.collection.find({"_id": {"$in": list(lacking.keys() - refused)}}, PROJECTION).to_list()
        states = [documents.stored(document) for document in filled]
        # What the second release stored has its story and its twin.
        states = [state for state in states if lacking[state.article.key]]
        await self.stories.link(states)
        await self.stories.pair(states)
        return refused

    async def note_aliases(self, articles: Sequence[Document]) -> None:
        """Give the URLs that articles list documents; one that is an article, or another's, is taken off the list."""
        aliases = [alias for document in articles for alias in _aliases(document)]
        keys = [alias.key for alias in aliases]
        live = {each["_id"] async for each in self.collection.find({"_id": {"$in": keys}}, {"_id": 1})}
        await self.aliases.write([alias for alias in aliases if alias.key not in live], {})
        written = await self.aliases.read(keys)
        for alias in aliases:
            if alias.key in live or written[alias.key].article != alias.article:
                await self.collection.update_one({"_id": alias.article}, {"$pull": {"aliases": alias.url}})

    async def merge(self, name: str, identity: str) -> None:
        """Make one of an article and that which has its content, until it has the content for itself or is gone."""
        while True:
            either: Document = {"$or": [{"_id": name}, {"identity": identity}]}
            states = [documents.stored(each) async for each in self.collection.find(either, PROJECTION)]
            if len(states) > 1:
                elder, later = sorted(states, key=seniority)
                await self.aliases.end(Ending(later, elder, Why.CONTENT, later.last_seen_at))
            elif not states or states[0].article.key != name:
                return
            else:
                try:
                    await self.collection.update_one({"_id": name}, {"$set": {"identity": identity}})
                except DuplicateKeyError:
                    continue
                return


def _is_of_first_release(document: Document) -> bool:
    return bool(document.get(schema.VERSION, 1) == 1)


def _aliases(document: Document) -> list[Alias]:
    """The aliases that an article lists; on what evidence, earlier releases did not note."""
    seen = {"first_seen_at": document["first_seen_at"], "last_seen_at": document["last_seen_at"]}
    listed = [url for url in dict.fromkeys(document["aliases"]) if url != document["url"]]
    return [Alias(key=key(url), url=url, article=document["_id"], why=Why.UNKNOWN, **seen) for url in listed]


def _is_earlier(document: Document) -> bool:
    return bool(document.get(schema.VERSION, 1) < SCHEMA)


def _article(document: Document) -> Document:
    state = replace(documents.stored(document), has_identity=True)
    if _is_of_first_release(document):
        (state,) = documents.signed([state])
    return documents.article_document(state)


def _revision(document: Document) -> Document:
    since = document["valid_from"]
    archival = {"_id": document["article"], "first_seen_at": since, "last_seen_at": since, "changed_at": since}
    state = documents.stored({**document, **archival})
    return documents.revision_document(state, document["valid_to"], document["changed"])

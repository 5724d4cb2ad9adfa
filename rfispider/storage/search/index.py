"""Articles are found by the words in them, in every script.

The index tells who may hold the words: an article is filed under all grams of its text before it is written itself,
and what was filed is never taken back. The articles then tell who does hold them: candidates are read and compared
with the query, newest first. So nothing is missed, whatever is written meanwhile, and nothing wrong is found.

Articles are filed loosely first, and sealed into segments when there are enough of them; both are asked. A query reads
the loose ones first: what is sealed meanwhile it then finds in its segment.
"""

import asyncio
import heapq
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from rfispider.items import SCHEMA, Article
from rfispider.storage import search
from rfispider.storage.documents import IN_ONE_TRIP, RAW, Document
from rfispider.storage.search import FEW, Lookup, Query, segments
from rfispider.storage.search.segments import (
    AFTER_ALL_TIMES,
    LOOSE,
    SEGMENT_HEAD,
    SEGMENT_LENGTH_MAX,
    SIZE,
    name_of,
    within,
)

logger = logging.getLogger(__name__)

RANKED: Final = 100
"""Candidates, newest first, that are compared with a query and ranked before the best are told."""

GRAMS_PER_QUERY: Final = 10
"""Grams that are looked up at most, of all terms together."""

SEALING_CLAIM: Final = "sealing"
CLAIM_MS: Final = 60_000
"""Milliseconds after which a worker that began to seal is taken for dead."""

Collection = AsyncCollection[Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is searched for, and where."""

    query: Query
    editions: tuple[str, ...] = ()
    """None: all."""
    since: datetime | None = None
    """Published at this time or later."""
    until: datetime | None = None
    """Published before this time."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An article that holds all terms."""

    article: Document
    """Its `_id`, url, edition, language, published_at, status, and the fields that were searched."""
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to a search."""

    hits: Sequence[Hit]
    """Best first, then newest."""
    held: int
    """How many of the compared candidates hold all terms, those beyond the limit among them."""
    compared: int
    """Candidates that were read, the newest ones."""
    complete: bool
    """Whether no candidate was left unread: then there is no other article that holds the words."""


class Candidate(NamedTuple):
    """An article that may hold the words; ordered by time."""

    time: str
    place: str
    """Its letter in a segment, or its key."""
    segment: str
    """Empty beside a key."""


class SearchIndex:
    """The search index. One object may be used by many tasks at once; errors of the driver pass through."""

    def __init__(self, articles: Collection, index: Collection) -> None:
        self._articles = articles
        self._index = index
        self._loose = SIZE  # Not known yet: the first attempt to seal counts.

    async def add(self, articles: Sequence[Article]) -> None:
        """File articles in the state in which they are about to be written. Call it before they are."""
        if not articles:
            return
        documents = await asyncio.to_thread(lambda: list(segments.loose_documents(articles, _names())))
        await self._index.insert_many(documents, ordered=False)
        self._loose += len(articles)
        if self._loose >= SIZE:
            try:
                await self.seal()
            except PyMongoError as error:
                # What is loose is found as well, only more slowly, and sealed another time.
                logger.warning("articles are not put into the search index's segments yet: %s", error)

    # ---- Sealing ---------------------------------------------------------------------------------------------

    async def seal(self) -> None:
        """Make a segment of what is loose, if it fills one, whichever worker wrote it; not while another worker does.

        One at a time, so that workers share the work. Were two to do it at once after all, articles would be filed
        twice, which does no harm.
        """
        if not await self._claimed():
            return
        try:
            ids, left = await self._full()
            if ids:
                await self._seal(ids)
            self._loose = left
        finally:
            await self._index.delete_one({"_id": SEALING_CLAIM})

    async def _claimed(self) -> bool:
        me = ObjectId()
        free = {"$lt": [{"$ifNull": ["$until", datetime.fromtimestamp(0, UTC)]}, "$$NOW"]}
        mine = {"schema": SCHEMA, "until": {"$add": ["$$NOW", CLAIM_MS]}, "holder": me}
        claim = {name: {"$cond": [free, value, f"${name}"]} for name, value in mine.items()}
        told = await self._index.find_one_and_update(
            {"_id": SEALING_CLAIM}, [{"$set": claim}], upsert=True, return_document=ReturnDocument.AFTER
        )
        return told is not None and told.get("holder") == me

    async def _full(self) -> tuple[list[str], int]:
        """The `_id`s of the loose documents that fill a segment, none when they do not; articles in the others."""
        ids: list[str] = []
        articles = length = left = 0
        # The driver repeats only what is read in one batch after a failover.
        loose = self._index.find(within(LOOSE), {"size": 1, "length": 1}, batch_size=IN_ONE_TRIP).sort("_id")
        async for document in loose:
            fits = articles + document["size"] <= SIZE and length + document["length"] <= SEGMENT_LENGTH_MAX
            if left or (ids and not fits):
                left += document["size"]
                continue
            articles += document["size"]
            length += document["length"]
            ids.append(document["_id"])
        return (ids, left) if left or articles == SIZE else ([], articles)

    async def _seal(self, ids: Sequence[str]) -> None:
        raw = self._index.with_options(RAW)
        loose = await raw.find({"_id": {"$in": list(ids)}}).to_list()
        *lists, head = await asyncio.to_thread(_segment, loose)
        await raw.insert_many(lists, ordered=False)
        await raw.insert_one(head)
        # One by one: the driver repeats these after a failover.
        await self._index.bulk_write([DeleteOne({"_id": each}) for each in ids], ordered=False)

    # ---- Asking ----------------------------------------------------------------------------------------------

    async def search(self, wanted: SearchRequest, limit: int) -> SearchResult:
        """The best of the newest articles that hold all terms of a query.

        All candidates are compared when they are at most `RANKED`; else as many as it takes to find `limit`.
        """
        if not wanted.query.terms:
            return SearchResult((), 0, 0, complete=True)
        asked = asked_for(wanted.query)
        if asked and not asked[0].whole and limit <= RANKED:
            # So short a word is in most articles, or else its lists are long: a look at the newest ones costs less.
            found = await self._ranked(wanted, limit, islice(await self._candidates(wanted, ()), RANKED))
            if len(found.hits) == limit:
                return replace(found, complete=False)
        return await self._ranked(wanted, limit, await self._candidates(wanted, asked))

    async def _ranked(self, wanted: SearchRequest, limit: int, candidates: Iterator[Candidate]) -> SearchResult:
        hits: dict[str, Hit] = {}
        compared, share = 0, max(RANKED, limit)
        while len(hits) < limit and (newest := list(islice(candidates, share))):
            hits |= {hit.article["_id"]: hit for hit in await self._compared(wanted, await self._keys(newest))}
            compared += len(newest)
            share *= 2
        best = sorted(hits.values(), key=_rank, reverse=True)[:limit]
        return SearchResult(best, len(hits), compared, complete=next(candidates, None) is None)

    async def _candidates(self, wanted: SearchRequest, asked: Sequence[Lookup]) -> Iterator[Candidate]:
        """The articles that hold the terms or, in segments, are filed under all that is asked for; newest first."""
        loose = await (await self._index.aggregate(_loose_pipeline(wanted))).to_list()
        lists: dict[str, list[Lookup]] = defaultdict(list)
        for lookup in asked:
            lists[lookup.place].append(lookup)
        heads, *found = await asyncio.gather(
            self._index.find(
                within(SEGMENT_HEAD), {"size": 1, "times": 1, **({"editions": 1} if wanted.editions else {})}
            ).to_list(),
            *(self._index.find(within(name), _projected(of_list)).to_list() for name, of_list in lists.items()),
        )
        filed: dict[str, list[str]] = defaultdict(list)
        for of_list, documents in zip(lists.values(), found, strict=True):
            for document in documents:
                filed[name_of(document)] += [_letters(document["grams"], lookup) for lookup in of_list]
        return heapq.merge(
            sorted((Candidate(each["time"], each["key"], "") for each in _articles(loose)), reverse=True),
            *(_sealed(head, filed[name_of(head)], wanted) for head in heads if len(filed[name_of(head)]) == len(asked)),
            reverse=True,
        )

    async def _keys(self, candidates: Iterable[Candidate]) -> set[str]:
        keys: set[str] = set()
        letters: dict[str, list[str]] = defaultdict(list)
        for candidate in candidates:
            if candidate.segment:
                letters[segments.keys_id(candidate.segment, candidate.place)].append(candidate.place)
            else:
                keys.add(candidate.place)
        for document in await self._index.find({"_id": {"$in": list(letters)}}, {"keys": 1}).to_list():
            keys |= {segments.key_of(document, letter) for letter in letters[document["_id"]]}
        return keys

    async def _compared(self, wanted: SearchRequest, keys: Iterable[str]) -> list[Hit]:
        """Those of the articles that hold all terms and are what is wanted."""
        condition: Document = {"_id": {"$in": list(keys)}}
        if wanted.editions:
            condition["edition"] = {"$in": list(wanted.editions)}
        if wanted.since or wanted.until:
            published = {"$gte": wanted.since, "$lt": wanted.until}
            condition["published_at"] = {name: at for name, at in published.items() if at}
        cursor = self._articles.find(condition, _READ, batch_size=len(condition["_id"]["$in"]) + 1)
        articles = await cursor.to_list()
        return await asyncio.to_thread(
            lambda: [
                Hit(article, score)
                for article in articles
                if (score := search.score(wanted.query, segments.texts(article)))
            ]
        )


_READ: Final[Mapping[str, int]] = dict.fromkeys(
    (*search.FIELD_WEIGHTS, "url", "edition", "language", "published_at", "status"), 1
)


def asked_for(query: Query) -> list[Lookup]:
    """The grams to look up: at most `GRAMS_PER_QUERY`, from every term; beginnings of grams where grams are few."""
    every = [search.lookups(term) for term in query.terms]
    whole = [[lookup for lookup in of_term if lookup.whole] for of_term in every]
    chosen = whole if sum(map(len, whole)) >= FEW else every
    in_turn = [of_term[at] for at in range(max(map(len, chosen), default=0)) for of_term in chosen if at < len(of_term)]
    return list(dict.fromkeys(in_turn))[:GRAMS_PER_QUERY]


def _names() -> Iterator[str]:
    while True:
        yield str(ObjectId())


def _projected(asked: Sequence[Lookup]) -> Document:
    """The projection of a list of grams to what is looked up."""
    if all(lookup.whole for lookup in asked):
        return {f"grams.{lookup.gram}": 1 for lookup in asked}
    return {"grams": 1}


def _letters(grams: Mapping[str, str], lookup: Lookup) -> str:
    """The articles of a segment that are filed under what is looked up."""
    if lookup.whole:
        return grams.get(lookup.gram, "")
    return "".join([letters for gram, letters in grams.items() if gram.startswith(lookup.gram)])


def _loose_pipeline(wanted: SearchRequest) -> list[Document]:
    """The aggregation that gives key and time of the loose articles that hold all terms."""
    since, until = _span(wanted)
    conditions: list[Document] = [
        {"$gte": ["$$this.time", since]},
        {"$lte": ["$$this.time", until]},
        *({"$gte": [{"$indexOfBytes": ["$$this.text", {"$literal": term}]}, 0]} for term in wanted.query.terms),
    ]
    if wanted.editions:
        conditions.insert(0, {"$in": ["$$this.edition", {"$literal": list(wanted.editions)}]})
    kept = {"$filter": {"input": "$articles", "cond": {"$and": conditions}}}
    return [{"$match": within(LOOSE)}, {"$project": {"articles": kept}}, {"$project": {"articles.text": 0}}]


def _segment(loose: Sequence[RawBSONDocument]) -> list[RawBSONDocument]:
    """The documents of a segment of loose ones; decoded and encoded here, for it is too much for the event loop."""
    read = (bson.decode(each.raw) for each in loose)
    return [RawBSONDocument(bson.encode(each)) for each in segments.sealed_documents(_articles(read), next(_names()))]


def _articles(loose: Iterable[Document]) -> Iterator[Document]:
    return (each for document in loose for each in document["articles"])


def _sealed(head: Document, filed: Sequence[str], wanted: SearchRequest) -> Iterator[Candidate]:
    """The articles of a segment that are filed under all that was asked for, newest first."""
    segment = name_of(head)
    for letter in segments.members(head, filed, wanted.editions, *_span(wanted)):
        yield Candidate(segments.time_of(head, ord(letter) - segments.FIRST), letter, segment)


def _span(wanted: SearchRequest) -> tuple[str, str]:
    """The times, both included, between which a wanted article can be."""
    return (
        segments.time(wanted.since) if wanted.since else "",
        segments.time(wanted.until) if wanted.until else AFTER_ALL_TIMES,
    )


def _rank(hit: Hit) -> tuple[float, str]:
    return round(hit.score, 3), segments.time(hit.article.get("published_at"))

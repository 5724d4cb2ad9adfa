"""Near-duplicates and twins in MongoDB: found by their indexes after the articles are written.

Each worker writes first and looks then: so of two that store versions of one text at the same moment, at least one
finds the other. Names of stories only ever become less, whoever writes them, until no member has another name: so
all workers end at the same one.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from rfispider.site import urls
from rfispider.storage.documents import IN_ONE_TRIP, Document
from rfispider.storage.policy import identity, near_duplicates, story_clusters
from rfispider.storage.policy.near_duplicates import TextSketch, near
from rfispider.storage.policy.versioning import ArticleVersion

Pairs = Iterable[tuple[str, str]]

_SKETCH = {"signature": 1, "published_at": 1, "first_seen_at": 1, "story": 1}


class StoryLinker:
    """Finds what belongs together. One object may be used by many tasks at once."""

    def __init__(self, articles: AsyncCollection[Document]) -> None:
        self._articles = articles

    async def link(self, states: Collection[ArticleVersion], one: Pairs = ()) -> None:
        """Give the articles, which are stored and signed, the story of what they are near to.

        `one` are pairs of names of stories that are one.
        """
        sketches = {state.article.key: _sketch(state) for state in states if state.signature}
        pairs = await self._near(sketches, {state.article.key: state for state in states}) if sketches else []
        if pairs or one:
            await self._unite(pairs, set(one))

    async def _near(
        self, sketches: Mapping[str, TextSketch], states: Mapping[str, ArticleVersion]
    ) -> list[tuple[str, str]]:
        """Pairs of keys whose texts are versions of one, as far as they are not of one story already."""
        documents = await self._others(sketches)
        names = {key: state.story for key, state in states.items()}
        names |= {document["_id"]: document.get("story") for document in documents}
        others = {document["_id"]: _read(document) for document in documents}
        pairs = near_duplicates.candidates(list(sketches.values()), list(others.values()))
        pairs = [(first, second) for first, second in pairs if names[first] != names[second]]
        texts = {key: state.article.text for key, state in states.items()}
        texts |= await self._texts({*chain.from_iterable(pairs)} - texts.keys())
        times = {key: sketch.at for key, sketch in {**others, **sketches}.items()}
        return await asyncio.to_thread(_compared, pairs, texts, times)

    async def _others(self, sketches: Mapping[str, TextSketch]) -> list[Document]:
        probes = {probe for each in sketches.values() for probe in near_duplicates.probes(each.signature, each.at)}
        query = {"signature": {"$in": list(probes)}}
        cursor = self._articles.find(query, _SKETCH, batch_size=IN_ONE_TRIP)
        return [document for document in await cursor.to_list() if document["_id"] not in sketches]

    async def _texts(self, keys: Collection[str]) -> dict[str, str]:
        if not keys:
            return {}
        cursor = self._articles.find({"_id": {"$in": list(keys)}}, {"text": 1})
        return {document["_id"]: document["text"] for document in await cursor.to_list()}

    async def _unite(self, pairs: Sequence[tuple[str, str]], one: set[tuple[str, str]]) -> None:
        """Write the least name to every member of stories that are one, until none has another.

        `pairs` are of keys, `one` of names. Others may do the same, or let articles join, between any two steps:
        what they did is read again.
        """
        ends = list(set(chain.from_iterable(pairs)))
        while True:
            names = await self._names(ends, story_clusters.united(one))
            one |= {(names[a], names[b]) for a, b in pairs if a in names and b in names}
            lesser = story_clusters.united(one)
            late = {key: lesser[name] for key, name in names.items() if name in lesser}
            if not late:
                return
            updates = [UpdateOne({"_id": key}, {"$min": {"story": name}}) for key, name in late.items()]
            await self._articles.bulk_write(updates, ordered=False)

    async def _names(self, keys: Sequence[str], stories: Collection[str]) -> dict[str, str]:
        """Key -> story, of the articles with these keys and of all members of these stories."""
        query: Document = {"$or": [{"_id": {"$in": keys}}, {"story": {"$in": list(stories)}}]}
        cursor = self._articles.find(query, {"story": 1})
        return {document["_id"]: document["story"] for document in await cursor.to_list() if "story" in document}

    async def pair(self, states: Collection[ArticleVersion]) -> None:
        """Link new articles of the two Chinese editions with what tells the same in the other script."""
        simplified = [state.article.key for state in states if identity.may_be_twin(state.article)]
        traditional = {
            url: state.article.key for state in states if (url := identity.twin_url(state.article)) is not None
        }
        twins = await self._of_simplified(simplified) | await self._of_traditional(traditional)
        updates = [UpdateOne({"_id": key}, {"$set": {"twin": twin}}) for key, twin in twins.items()]
        if updates:
            await self._articles.bulk_write(updates, ordered=False)

    async def _of_simplified(self, keys: Sequence[str]) -> dict[str, str]:
        """Key -> twin, of articles of the simplified edition, as their twins name them."""
        if not keys:
            return {}
        cursor = self._articles.find({"twin": {"$in": keys}}, {"twin": 1})
        return {document["twin"]: document["_id"] for document in await cursor.to_list()}

    async def _of_traditional(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Twins by key, in both directions, of articles given by the URL of their twin, which may be an alias."""
        if not keys:
            return {}
        query: Document = {
            "$or": [
                {"_id": {"$in": [urls.key(address) for address in keys]}},
                {"aliases": {"$in": list(keys)}, "aliases.0": {"$exists": True}},
            ]
        }
        twins: dict[str, str] = {}
        for document in await self._articles.find(query, {"url": 1, "aliases": 1}).to_list():
            for url in keys.keys() & {document["url"], *document["aliases"]}:
                twins |= {document["_id"]: keys[url], keys[url]: document["_id"]}
        return twins


def _sketch(state: ArticleVersion) -> TextSketch:
    return TextSketch(state.article.key, state.signature, state.article.published_at or state.first_seen_at)


def _read(document: Document) -> TextSketch:
    at = document.get("published_at") or document["first_seen_at"]
    return TextSketch(document["_id"], document["signature"], at)


def _compared(pairs: Pairs, texts: Mapping[str, str], times: Mapping[str, datetime]) -> list[tuple[str, str]]:
    """Those of the pairs whose texts are near."""
    return [
        (first, second)
        for first, second in pairs
        if first in texts and second in texts and near(texts[first], texts[second], times[first] - times[second])
    ]

"""The search as an aggregation, for teams who query the archive with any MongoDB client."""

from typing import Final

from rfispider.storage import search
from rfispider.storage.documents import Document
from rfispider.storage.schema import ARTICLES, SEARCH
from rfispider.storage.search import Lookup
from rfispider.storage.search.index import asked_for
from rfispider.storage.search.segments import KEY_DIGITS, KEYS, LOOSE, within

_SEGMENT: Final[Document] = {"$arrayElemAt": [{"$split": ["$_id", ":"]}, 1]}


def retrieval(query: str) -> list[Document]:
    """The stages that give, from the collection `search`, the articles that hold all terms of a query.

    Each article comes once, as it stands in `articles`, in no order; append stages of your own. Every article that
    holds the terms is among them, and few others: an article that holds all grams of a term in other places, or has
    been rewritten since.

    Raises:
        ValueError: the query holds neither letter nor digit.

    """
    terms = search.parse(query).terms
    if not terms:
        raise ValueError(f"{query!r} holds neither letter nor digit")
    sealed = {"coll": SEARCH, "pipeline": _sealed(asked_for(search.parse(query)))}
    article = {"from": ARTICLES, "localField": "_id", "foreignField": "_id", "as": "article"}
    return [
        *_loose(terms),
        {"$unionWith": sealed},
        {"$group": {"_id": "$_id"}},
        {"$lookup": article},
        {"$unwind": "$article"},
        {"$replaceRoot": {"newRoot": "$article"}},
    ]


def _loose(terms: tuple[str, ...]) -> list[Document]:
    """Keys of the loose articles that hold all terms."""
    held = [{"$gte": [{"$indexOfBytes": ["$articles.text", {"$literal": term}]}, 0]} for term in terms]
    return [
        {"$match": within(LOOSE)},
        {"$unwind": "$articles"},
        {"$match": {"$expr": {"$and": held}}},
        {"$project": {"_id": "$articles.key"}},
    ]


def _sealed(asked: list[Lookup]) -> list[Document]:
    """Keys of the articles of segments that are filed under all that is asked for."""
    if not asked:
        every = {"$range": [0, {"$strLenBytes": "$keys"}, KEY_DIGITS]}
        return [{"$match": within(KEYS)}, {"$project": {"keys": 1, "at": every}}, {"$unwind": "$at"}, _key("$at")]
    names = [f"g{number}" for number in range(len(asked))]
    first, *others = [
        _branch(lookup.place, {name: _letters(lookup)}) for name, lookup in zip(names, asked, strict=True)
    ]
    letters = {"$map": {"input": {"$regexFindAll": {"input": "$g0", "regex": "."}}, "in": "$$this.match"}}
    everywhere = [_holds(f"${name}", "$$this") for name in names[1:]]
    of_block = {"$filter": {"input": "$letter", "cond": _holds("$block.letters", "$$this")}}
    return [
        *first,
        *({"$unionWith": {"coll": SEARCH, "pipeline": branch}} for branch in others),
        {"$group": {"_id": "$segment", **{name: {"$max": f"${name}"} for name in names}}},
        {"$match": {name: {"$gt": ""} for name in names}},
        {"$project": {"letter": {"$filter": {"input": letters, "cond": {"$and": everywhere}}}}},
        {"$match": {"letter": {"$ne": []}}},
        {"$lookup": {"from": SEARCH, "let": {"segment": "$_id"}, "pipeline": _BLOCKS, "as": "block"}},
        {"$unwind": "$block"},
        {"$project": {"keys": "$block.keys", "letters": "$block.letters", "letter": of_block}},
        {"$unwind": "$letter"},
        _key({"$multiply": [KEY_DIGITS, {"$indexOfCP": ["$letters", "$letter"]}]}),
    ]


_BLOCKS: Final[list[Document]] = [
    {
        "$match": {
            "$expr": {
                "$and": [
                    {"$gte": ["$_id", {"$concat": [f"{KEYS}:", "$$segment", ":"]}]},
                    {"$lt": ["$_id", {"$concat": [f"{KEYS}:", "$$segment", ";"]}]},
                ]
            }
        }
    }
]


def _holds(letters: str, letter: str) -> Document:
    return {"$gte": [{"$indexOfCP": [letters, letter]}, 0]}


def _key(at: object) -> Document:
    """The stage that leaves the key that begins at a place of `keys`."""
    return {"$project": {"_id": {"$substrBytes": ["$keys", at, KEY_DIGITS]}}}


def _branch(kind: str, fields: Document) -> list[Document]:
    return [{"$match": within(kind)}, {"$project": {"_id": 0, "segment": _SEGMENT, **fields}}]


def _letters(lookup: Lookup) -> object:
    """The articles of a segment filed under a gram, or under any that begins with it."""
    if lookup.whole:
        return f"$grams.{lookup.gram}"
    begins = {"$eq": [{"$indexOfBytes": ["$$this.k", {"$literal": lookup.gram}]}, 0]}
    grams = {"$filter": {"input": {"$objectToArray": "$grams"}, "cond": begins}}
    return {"$reduce": {"input": grams, "initialValue": "", "in": {"$concat": ["$$value", "$$this.v"]}}}

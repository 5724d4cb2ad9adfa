"""The form of the search index in the collection `search`: which articles are filed under which gram.

Articles that were just written stand in "loose" documents, each with its folded text. When there are enough of them
they become a sealed segment, the other way round: for each gram the articles. Within a segment an article is one
letter of `SEGMENT_LETTERS`, and all articles under a gram are a string of such letters: two bytes for an article and a
gram, where a key of a MongoDB index takes twenty and more. A segment is a head and a document for each list of grams,
so that a query reads a few kilobytes of it.

loose   `_id` "loose:<name>", size, length, articles [{key, edition, time, text}]
head    `_id` "head:<segment>", size, times, editions
keys    `_id` "keys:<segment>:<block>", keys, letters; of `BLOCK` articles each
list    `_id` "<list>:<segment>", grams

A `time` is the publication in minutes since 1970, 8 digits of base 16. The articles of a segment are in the order of
time; `keys` and `times` are theirs end to end, `letters` all of their letters, `editions` edition -> letters, `grams`
gram -> letters, in no order and some of them twice. A query reads the heads, the lists of its grams, and the keys of
the few articles that it then looks at. Nothing of it is ever changed, and what it says of an article may have been
superseded: it tells who may hold a text, the article who does.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from rfispider.items import SCHEMA, Article
from rfispider.storage import search
from rfispider.storage.search.ngrams import filed_in

Document = dict[str, Any]

FIRST: Final = 0x100
SEGMENT_LETTERS: Final = "".join(map(chr, range(FIRST, 0x800)))
"""One for each article of a segment, in order. Two bytes each in UTF-8, none with a meaning in expressions."""

SIZE: Final = len(SEGMENT_LETTERS)
"""Articles in a segment."""

LENGTH_MAX: Final = 2_000_000
"""Characters of all articles in a loose document: it must stay below 16 MB."""

SEGMENT_LENGTH_MAX: Final = 20_000_000
"""Characters of all articles in a segment, which is made in memory."""

BLOCK: Final = 64
"""Articles whose keys stand in one document."""

KEY_DIGITS: Final = 32
TIME_DIGITS: Final = 8

AFTER_ALL_TIMES: Final = "~"
"""Later than every time."""

LOOSE: Final = "loose"
SEGMENT_HEAD: Final = "head"
KEYS: Final = "keys"

SEARCHED: Final = frozenset({*search.FIELD_WEIGHTS, "published_at"})
"""Fields of an article that the index tells of."""


def texts(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of the fields of an article in which words are looked for."""
    found = {name: values.get(name) or [] for name in search.FIELD_WEIGHTS}
    return {name: [value] if isinstance(value, str) else value for name, value in found.items()}


def time(at: datetime | None) -> str:
    """A publication time as it stands in the index; such strings are ordered as the times are, unknown ones first."""
    minutes = 0 if at is None else max(0, int(at.timestamp() // 60))
    return f"{minutes:0{TIME_DIGITS}x}"[-TIME_DIGITS:]


# ---- Loose -----------------------------------------------------------------------------------------------


def entry(article: Article) -> Document:
    """An article as it stands in a loose document."""
    fields = texts({name: getattr(article, name) for name in search.FIELD_WEIGHTS})
    return {
        "key": article.key,
        "edition": article.edition,
        "time": time(article.published_at),
        "text": search.folded(value for values in fields.values() for value in values),
    }


def loose_documents(articles: Iterable[Article], names: Iterator[str]) -> Iterator[Document]:
    """The loose documents of articles, in their order; `names` gives each one of its own."""
    batch: list[Document] = []
    length = 0
    for each in map(entry, articles):
        if len(batch) == SIZE or (batch and length + len(each["text"]) > LENGTH_MAX):
            yield _loose_document(batch, length, next(names))
            batch, length = [], 0
        batch.append(each)
        length += len(each["text"])
    if batch:
        yield _loose_document(batch, length, next(names))


def _loose_document(entries: list[Document], length: int, name: str) -> Document:
    about = {"_id": f"{LOOSE}:{name}", "schema": SCHEMA, "size": len(entries), "length": length}
    return {**about, "articles": entries}


# ---- Sealed ----------------------------------------------------------------------------------------------


def sealed_documents(entries: Iterable[Document], name: str) -> list[Document]:
    """A segment of at most `SIZE` entries; the head is the last document, and makes the others count."""
    entries = sorted(entries, key=itemgetter("time"))
    editions: dict[str, str] = defaultdict(str)
    for each, letter in zip(entries, SEGMENT_LETTERS, strict=False):
        editions[each["edition"]] += letter
    times = "".join(each["time"] for each in entries)
    parts: list[Document] = [
        *({"_id": f"{number}:{name}", "grams": grams} for number, grams in _listed(entries).items()),
        *_keys([each["key"] for each in entries], name),
        {"_id": f"{SEGMENT_HEAD}:{name}", "size": len(entries), "times": times, "editions": dict(editions)},
    ]
    return [{**part, "schema": SCHEMA} for part in parts]


def _keys(keys: Sequence[str], name: str) -> Iterator[Document]:
    for start in range(0, len(keys), BLOCK):
        block = slice(start, min(start + BLOCK, len(keys)))
        yield {
            "_id": keys_id(name, SEGMENT_LETTERS[start]),
            "keys": "".join(keys[block]),
            "letters": SEGMENT_LETTERS[block],
        }


def keys_id(segment: str, letter: str) -> str:
    """The `_id` of the document with the key of an article."""
    return f"{KEYS}:{segment}:{(ord(letter) - FIRST) // BLOCK:02x}"


def _listed(entries: Iterable[Document]) -> dict[str, dict[str, str]]:
    """List -> gram -> letters."""
    texts = (each["text"] for each in entries)
    filed = search.inverted(zip(texts, SEGMENT_LETTERS, strict=False))
    lists: dict[str, dict[str, str]] = defaultdict(dict)
    for gram, letters in filed.items():
        lists[filed_in(gram)][gram] = letters
    return lists


# ---- Reading ---------------------------------------------------------------------------------------------


def within(kind: str) -> Document:
    """The query for all documents of a kind: loose ones, heads, or those of a list."""
    return {"_id": {"$gte": f"{kind}:", "$lt": f"{kind};"}}


def name_of(document: Mapping[str, Any]) -> str:
    """The name of the segment of any document."""
    name: str = document["_id"].split(":")[1]
    return name


def key_of(keys: Document, letter: str) -> str:
    """The key of an article of a segment, from the document of its keys."""
    at = (ord(letter) - FIRST) % BLOCK * KEY_DIGITS
    key: str = keys["keys"][at : at + KEY_DIGITS]
    return key


def time_of(head: Document, place: int) -> str:
    """The time of an article of a segment, from its head and its place in the order of time."""
    at = place * TIME_DIGITS
    told: str = head["times"][at : at + TIME_DIGITS]
    return told


def members(head: Document, filed: Sequence[str], editions: Sequence[str], since: str, until: str) -> Iterator[str]:
    """Letters of the articles of a segment that stand in each of `filed`, the newest first.

    `filed` are letters in any order, some of them twice; of `editions` any will do, and none means all. `since` and
    `until` are times as they stand in the index, both included.
    """
    if editions:
        filed = [*filed, "".join(head["editions"].get(each, "") for each in editions)]
    held = _of_all(filed) if filed else SEGMENT_LETTERS[: head["size"]]
    return reversed(_between(head, held, since, until) if since or until < AFTER_ALL_TIMES else held)


def _of_all(filed: Sequence[str]) -> str:
    """The letters that stand in each of the strings, in order."""
    shortest, *others = sorted(filed, key=len)
    return "".join(sorted(letter for letter in set(shortest) if all(letter in other for other in others)))


def _between(head: Document, letters: str, since: str, until: str) -> str:
    places = range(head["size"])
    first = bisect_left(places, since, key=lambda place: time_of(head, place))
    end = bisect_right(places, until, key=lambda place: time_of(head, place))
    return letters[bisect_left(letters, chr(FIRST + first)) : bisect_left(letters, chr(FIRST + end))]

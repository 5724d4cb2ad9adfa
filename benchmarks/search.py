"""How well and how fast articles are found by the words in them, and what the search index costs.

    python benchmarks/search.py [--shared ../shared] [--queries 50] [--articles 200000] [--seed 1] [--text-index]

Stores the real documents of ../shared, else generated ones, with a generated share in every language of the site, and
asks for phrases that are drawn from them with a seed: recall and precision against a scan of every text, for the phrase
as it is written and in any case, accents and script. Then the archive is enlarged to --articles by mixing the sentences
anew, and the same queries are timed: elapsed, and CPU time of client and server, which other work on the machine does
not touch. --text-index also stores a part of the documents under a MongoDB text index of the same grams, side by side
with the index of rfispider. Exit status 1: a document was missed, or the 95th percentile is over 100 ms.
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

import archive
import stage
from pymongo import AsyncMongoClient, MongoClient

from replica import language
from rfispider.items import Article, Kind, Origin
from rfispider.storage import SearchRequest, Store, documents, search
from rfispider.storage.search import segments

MOST_MS = 100.0
BATCH = 200
ALL = 10_000_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class CachedSnapshot:
    """What came of one query on all documents."""

    query: str
    literal: int
    """Documents with the phrase as it is written."""
    found: int
    missed: int
    """Documents with the phrase as it is written, or in other letters, that were not found."""
    unlike: int
    """Found documents that do not hold the phrase as it is written."""
    strange: int
    """Found documents that do not hold it in other letters either."""


def imported(shared: Path, uri: str) -> list[Article]:
    """The real documents, stored by a crawl as a user runs it; none when there are none."""
    if not stage.has_corpus(shared):
        return []
    archive.imported(stage.corpus(shared), uri, 0)
    with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        return [documents.article(each["_id"], each) for each in client["archive"].articles.find()]


def generated(count: int) -> list[Article]:
    """That many articles in each language of the site."""
    return [_generated(number, edition) for edition in language.LANGUAGES for number in range(count)]


def _generated(number: int, edition: str) -> Article:
    writer = language.writer(edition, "search", number)
    name = f"https://www.rfi.fr/{edition}/generated/{number}"
    return Article(
        key=documents.key(name), url=name, edition=edition, language=edition, kind=Kind.ARTICLE,
        title=writer.line((5, 9)), lead=writer.paragraph((1, 2)), authors=[writer.person()],
        text="\n\n".join(writer.paragraph() for _ in range(5)), content_hash=f"1:{edition}{number}",
        published_at=NOW - timedelta(minutes=number), fetched_at=NOW, origin=Origin.ARCHIVE,
    )  # fmt: skip


def mixed(articles: Sequence[Article], count: int, seed: int) -> list[Article]:
    """New articles of the lengths of given ones, their sentences those of all articles of the edition."""
    chance = random.Random(seed)
    sentences: dict[str, list[str]] = {}
    for each in articles:
        sentences.setdefault(each.edition, []).extend(re.split(r"(?<=[.。！？؟។])\s*", each.text))
    made = []
    for number in range(count):
        like = chance.choice(articles)
        text: list[str] = []
        while sum(map(len, text)) < len(like.text):
            text.append(chance.choice(sentences[like.edition]) or " ")
        at = NOW - timedelta(minutes=chance.randrange(3 * 365 * 1440))
        made.append(replace(like, url=f"{like.url}?{number}", text=" ".join(text), published_at=at))
    return made


def phrases(articles: Sequence[Article], count: int, seed: int) -> list[str]:
    """Parts of texts and titles of 2 to 8 characters, and every third time a whole word."""
    chance = random.Random(seed)
    found: list[str] = []
    while len(found) < count:
        each = chance.choice(articles)
        text = chance.choice([each.text, each.title]) or each.title
        start = chance.randrange(max(1, len(text) - 8))
        phrase = text[start : start + chance.randint(2, 8)].replace("\n", "").replace('"', "").strip()
        word = re.search(r"\w{2,8}", text[start:])
        phrase = word[0] if word and len(found) % 3 == 0 else phrase
        if len(phrase) > 1 and search.parse(phrase).terms:
            found.append(phrase)
    return found


def wanted(query: str) -> SearchRequest:
    """The query as one phrase."""
    return SearchRequest(query=search.parse(f'"{query}"'))


async def asked(store: Store, articles: Mapping[str, tuple[list[str], str]], query: str) -> CachedSnapshot:
    """Compare an answer with a scan."""
    [term] = wanted(query).query.terms
    literal = {key for key, (texts, _) in articles.items() if any(query in text for text in texts)}
    alike = {key for key, (_, folded) in articles.items() if term in folded}
    found = {hit.article["_id"] for hit in (await store.search(wanted(query), ALL)).hits}
    return CachedSnapshot(
        query, len(literal), len(found), len((literal | alike) - found), len(found - literal), len(found - alike)
    )


def scannable(articles: Sequence[Article]) -> dict[str, tuple[list[str], str]]:
    """Key -> the texts of an article as written, and folded."""
    told = {each.key: segments.texts({name: getattr(each, name) for name in search.WEIGHTS}) for each in articles}
    texts = {key: [value for values in fields.values() for value in values] for key, fields in told.items()}
    return {key: (values, search.folded(values)) for key, values in texts.items()}


async def spent(client: AsyncMongoClient[dict[str, Any]]) -> float:
    """CPU seconds that this process and the server have taken so far."""
    told = (await client.admin.command("serverStatus"))["extra_info"]
    return time.process_time() + (told["user_time_us"] + told["system_time_us"]) / 1e6


async def timed(store: Store, queries: Sequence[str], count: int) -> float:
    """Ask each query as a person does, twice, and tell how long the second time took; the 95th percentile, ms."""
    took, cpu = [], []
    for query in [*queries, *queries]:
        before = await spent(store._client)  # noqa: SLF001 - the server it asks
        began = time.perf_counter()
        await store.search(wanted(query), 10)
        took.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (await spent(store._client) - before))  # noqa: SLF001 - likewise
    (median, slow), (cpu_median, cpu_slow) = percentiles(took[len(queries) :]), percentiles(cpu[len(queries) :])
    print(
        f"{count:,} articles: {median:.0f} ms, 95th percentile {slow:.0f} ms (most: {MOST_MS:.0f}); "
        f"CPU {cpu_median:.0f} ms, 95th percentile {cpu_slow:.0f} ms"
    )
    return slow


async def save(store: Store, articles: Sequence[Article]) -> None:
    """Store all."""
    for start in range(0, len(articles), BATCH):
        await store.save(articles[start : start + BATCH])


async def enlarge(store: Store, articles: Sequence[Article]) -> None:
    """File and insert articles, without looking for their duplicates and stories."""
    for start in range(0, len(articles), BATCH):
        batch = articles[start : start + BATCH]
        await store._search.add(batch)  # noqa: SLF001 - the part of `save` that this measures
        await store._collections["articles"].insert_many(  # noqa: SLF001 - likewise
            [
                {"_id": each.key, "schema": 2, **documents.content(each, documents.STORED_FIELDS), "signature": [],
                 "revision": 1, "story": each.key, "first_seen_at": NOW, "last_seen_at": NOW, "changed_at": NOW}
                for each in batch
            ],
            ordered=False,
            bypass_document_validation=True,
        )  # fmt: skip


async def sizes(client: AsyncMongoClient[dict[str, Any]], database: str) -> str:
    """What an article and its part of the index take on disk."""
    told = {}
    for name in ("articles", "search"):
        stats = await client[database].command("collStats", name)
        told[name] = stats["storageSize"] + stats["totalIndexSize"]
    count = await client[database].articles.estimated_document_count()
    return ", ".join(f"{name} {size / count / 1024:.1f} KiB" for name, size in told.items())


async def text_index(client: AsyncMongoClient[dict[str, Any]], articles: Sequence[Article]) -> None:
    """CPU time of storing an article: alone, with the index of rfispider, under a text index of the grams."""
    for name in ("none", "rfispider", "text index"):
        await client.drop_database("rates")
        database = client.get_database("rates", write_concern=None)
        if name == "text index":
            await database.articles.create_index([("search", "text")], default_language="none", language_override="-")
        index = stage_search(database)
        filed = [{"_id": each.key, **documents.content(each, documents.STORED_FIELDS)} for each in articles]
        if name == "text index":
            for each, article in zip(filed, articles, strict=True):
                each["search"] = " ".join(search.inverted([(segments.entry(article)["text"], "x")]))
        before = await spent(client)
        for start in range(0, len(articles), BATCH):
            if name == "rfispider":
                await index.add(articles[start : start + BATCH])
            await database.articles.insert_many(filed[start : start + BATCH], ordered=False)
        each_ms = 1000 * (await spent(client) - before) / len(articles)
        print(f"  {name:12} {each_ms:.2f} ms of CPU, {await sizes(client, 'rates')} an article")


def stage_search(database: Any) -> Any:
    """The search index of a database."""
    from rfispider.storage.search.index import SearchIndex  # noqa: PLC0415 - only this measure goes below the store

    return SearchIndex(database["articles"], database["search"])


def percentiles(took: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile."""
    cuts = quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[94]


async def measure(options: argparse.Namespace, uri: str) -> int:
    """Measure and print; the exit status."""
    real = imported(options.shared, uri)
    articles = [*real, *generated(40)]
    queries = phrases(real, options.queries, options.seed) if real else []
    queries += [phrase for code in language.LANGUAGES for phrase in _of(articles[len(real) :], code, options)]
    grams = [len(search.inverted([(segments.entry(each)["text"], "x")])) for each in articles]
    print(f"{len(articles):,} articles, {len(real):,} of them real; {mean(grams):.0f} grams an article")
    async with await Store.open(uri, "archive") as store, AsyncMongoClient[dict[str, Any]](uri) as client:
        await save(store, articles[len(real) :])
        scanned = scannable(articles)
        answers = [await asked(store, scanned, query) for query in queries]
        missed = report(answers, len(real) and options.queries)
        print(f"on disk: {await sizes(client, 'archive')} an article")
        slow = await timed(store, queries, len(articles))
        if options.text_index:
            await text_index(client, articles[:4000])
    if options.articles > len(articles):
        async with await Store.open(uri, "large") as store:
            for start in range(0, options.articles, 20_000):
                made = mixed(articles, min(20_000, options.articles - start), start)
                await enlarge(store, [replace(each, key=f"{start + at:032x}") for at, each in enumerate(made)])
            slow = await timed(store, queries, options.articles)
    return missed > 0 or slow > MOST_MS


def _of(articles: Sequence[Article], edition: str, options: argparse.Namespace) -> list[str]:
    return phrases([each for each in articles if each.edition == edition], 5, options.seed)


def report(answers: Sequence[CachedSnapshot], real: int) -> int:
    """Print recall and precision of both kinds of queries; how many documents were missed."""
    for name, part in (("real texts", answers[:real]), ("generated, 16 languages", answers[real:])):
        if part:
            literal, found = sum(each.literal for each in part), sum(each.found for each in part)
            missed = sum(each.missed for each in part)
            unlike, strange = sum(each.unlike for each in part), sum(each.strange for each in part)
            print(
                f"{name}: {len(part)} queries, {literal:,} documents hold them, recall {1 - missed / literal:.4f}, "
                f"precision {1 - unlike / found:.4f}, in any case, accents and script {1 - strange / found:.4f}"
            )
    return sum(each.missed for each in answers)


def main() -> int:
    """Measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--articles", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--text-index", action="store_true")
    options = parser.parse_args()
    with stage.database() as uri, tempfile.TemporaryDirectory():
        return asyncio.run(measure(options, uri))


if __name__ == "__main__":
    sys.exit(main())

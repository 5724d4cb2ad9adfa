"""How fast articles are stored with all that the archive makes of them, against a plain upsert for each.

    python benchmarks/store.py [--articles 12000] [--stored 200000] [--writers 2] [--uri URI]

Generated articles of all 16 editions, words of a skewed distribution, one in twenty a copy under another URL, one in
ten a rewrite. Writers, a process each, store them by `Store.save` in batches as a crawl does, three at a time:
identity, aliases, signatures, stories, twins, the search index, validators, every index, majority writes; then they
see them again unchanged two days later. Beside it, in turns: one `update_one(upsert=True)` an article, with the
article's own fields, the same write concern, and no index. With --stored, so many articles are put in first, and it is
measured again. With --same N nothing of this is done: every writer stores the same N stories under URLs of its own, all
at once, and each must become one document. Exit status 1: it did not; fewer than 1,000 articles a second; a full
archive slower than 70 % of an empty one.
"""

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Any

import stage
from pymongo import AsyncMongoClient, MongoClient, WriteConcern

from replica.language import LANGUAGES, Writer
from rfispider import text
from rfispider.items import Article, Image, Kind, Related
from rfispider.site import urls
from rfispider.site.editions import EDITIONS
from rfispider.storage import Store, documents
from rfispider.storage.policy.versioning import decide

LEAST, LEAST_WHEN_FULL = 1000.0, 0.7
BATCH, UNDER_WAY = 200, 3
TURN = 5 * BATCH * UNDER_WAY
"""Articles that a writer stores before it is the peer's turn."""
VOCABULARY, PARAGRAPHS = 20_000, 8
WORDS = (200, 420)
PATIENCE_S = 300.0
"""Seconds for which an operation is waited for: the machine may be busy with other things."""
PER_DAY = 400
"""Articles of all editions a day."""
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Newsroom:
    """Writes articles of which each depends on its number alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.words: dict[str, list[str]] = {}
        for code, language in LANGUAGES.items():
            writer = Writer(language, Random(f"{seed}/{code}"))
            self.words[code] = [writer.language.transform(writer.word()) for _ in range(VOCABULARY)]
        self.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(VOCABULARY)))
        self.codes = list(EDITIONS)

    def article(self, number: int) -> Article:
        """Article `number`: every twentieth is a copy, every tenth a rewrite, of the one before."""
        if number % 20 == 19:
            return self._under(self.article(number - 1), number)
        if number % 10 == 8:
            return self._rewritten(self.article(number - 1), number)
        random = Random(f"{self.seed}/{number}")
        code = self.codes[number // 10 % len(self.codes)]
        body = "\n\n".join(self._paragraph(code, random) for _ in range(PARAGRAPHS))
        return self._made(number, code, body)

    def _paragraph(self, code: str, random: Random) -> str:
        count = random.randint(*WORDS) // PARAGRAPHS
        chosen = random.choices(self.words[code], cum_weights=self.weights, k=count)
        return LANGUAGES[code].space.join(chosen)

    def _made(self, number: int, code: str, body: str) -> Article:
        url = f"https://www.rfi.fr/{code}/a{number % 12}/20260301-{number}"
        lead = body[:120]
        link = Related(key=urls.key(url), url=url, title=body[20:70], position=0)
        return Article(
            key=urls.key(url), url=url, edition=code, language=EDITIONS[code].language, kind=Kind.ARTICLE,
            section=f"a{number % 12}", title=body[:60], lead=lead, text=body, authors=["RFI"], tags=["a", "b"],
            published_at=NOW - timedelta(days=number / PER_DAY), images=[Image(url=f"{url}.jpg", caption=body[:40])],
            related=[link] * 3, short_code=f"s{number}", provenance=dict.fromkeys(("title", "lead", "text"), "markup"),
            extractor={"rfispider": "1"}, content_hash=text.content_hash(lead, body), fetched_at=NOW,
            sources=["https://www.rfi.fr/fr/rss"],
        )  # fmt: skip

    def _rewritten(self, original: Article, number: int) -> Article:
        kept = original.text.split("\n\n")[: PARAGRAPHS * 3 // 4]
        random = Random(f"{self.seed}/{number}")
        body = "\n\n".join([*kept, *(self._paragraph(original.edition, random) for _ in range(PARAGRAPHS // 4))])
        return self._made(number, original.edition, body)

    def _under(self, original: Article, number: int) -> Article:
        url = f"https://www.rfi.fr/{original.edition}/b/20260301-{number}"
        return replace(original, key=urls.key(url), url=url)


@dataclass(frozen=True)
class Took:
    """What storing so many articles took."""

    articles: int
    seconds: float
    cpu: float
    """CPU seconds of the writers."""
    server: float
    """CPU seconds of MongoDB."""

    def __str__(self) -> str:
        client, server = self.cpu / self.articles * 1e3, self.server / self.articles * 1e3
        return f"{self.rate:7,.0f} articles/s; CPU an article: writers {client:.2f} ms, MongoDB {server:.2f} ms"

    @property
    def rate(self) -> float:
        """Articles a second."""
        return self.articles / self.seconds


Save = Callable[[Sequence[Article]], Awaitable[Any]]


@contextlib.asynccontextmanager
async def everything(uri: str) -> AsyncIterator[Save]:
    """The archive."""
    async with await Store.open(uri, "rfi", patience=PATIENCE_S) as opened:
        yield opened.save


@contextlib.asynccontextmanager
async def plain(uri: str) -> AsyncIterator[Save]:
    """A store that upserts one article at a time."""
    async with AsyncMongoClient[documents.Document](uri) as client:
        concern = WriteConcern("majority", j=True)
        collection = client["peer"].get_collection("articles", write_concern=concern)

        async def save(articles: Sequence[Article]) -> None:
            for article in articles:
                values = documents.content(article, documents.STORED_FIELDS)
                await collection.update_one({"_id": article.key}, {"$set": values}, upsert=True)

        yield save


STORES = {"new": everything, "seen again": everything, "plain upserts": plain}


class Worker:
    """What one writer process has."""

    newsroom: Newsroom
    together: Barrier


def begin(seed: int, together: Barrier) -> None:
    """Make a process ready."""
    Worker.newsroom, Worker.together = Newsroom(seed), together


def write(name: str, uri: str, numbers: range) -> tuple[float, float, float]:
    """Store articles in batches, three under way at a time: when it began and ended, CPU seconds."""
    articles = [Worker.newsroom.article(number) for number in numbers]
    if name == "seen again":
        articles = [replace(article, fetched_at=NOW + timedelta(days=2)) for article in articles]
    return asyncio.run(stored(name, uri, articles))


async def stored(name: str, uri: str, articles: Sequence[Article]) -> tuple[float, float, float]:
    """The same for articles that are made; all writers begin together."""
    batches = iter([articles[start : start + BATCH] for start in range(0, len(articles), BATCH)])

    async def work(save: Save) -> None:
        for batch in batches:
            await save(batch)

    async with STORES[name](uri) as save:
        await asyncio.to_thread(Worker.together.wait)
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(work(save) for _ in range(UNDER_WAY)))
        return began, time.monotonic(), time.process_time() - cpu


class Bench:
    """Writers, and the server that they write to."""

    def __init__(self, uri: str, seed: int, writers: int) -> None:
        self.uri, self.writers = uri, writers
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(writers, context, begin, (seed, context.Barrier(writers)))
        with MongoClient[documents.Document](uri) as client:
            self.pid = int(client.admin.command("serverStatus")["pid"])

    def take(self, name: str, first: int, count: int) -> Took:
        """Let every writer store its share of `count` articles from number `first` on."""
        share, server = count // self.writers, self.server_seconds()
        starts = range(first, first + share * self.writers, share)
        jobs = [self.pool.submit(write, name, self.uri, range(start, start + share)) for start in starts]
        began, ended, cpu = zip(*(job.result() for job in jobs), strict=True)
        return Took(share * self.writers, max(ended) - min(began), sum(cpu), self.server_seconds() - server)

    def server_seconds(self) -> float:
        """CPU seconds that MongoDB has taken."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, first: int, count: int) -> float:
        """Store `count` articles from number `first` on, next to the peer, in turns; articles a second."""
        took: dict[str, list[Took]] = {name: [] for name in STORES}
        turn = TURN * self.writers
        for start in range(first, first + count, turn):
            took["new"].append(self.take("new", start, turn))
            took["plain upserts"].append(self.take("plain upserts", start, turn // 5))
            took["seen again"].append(self.take("seen again", start, turn))
        for name, parts in took.items():
            print(f"  {name:14} {together(parts)}")
        return together(took["new"]).rate


def together(took: Iterable[Took]) -> Took:
    """Several measurements as one."""
    parts = [(each.articles, each.seconds, each.cpu, each.server) for each in took]
    articles, *seconds = (sum(values) for values in zip(*parts, strict=True))
    return Took(int(articles), *seconds)


def write_copies(uri: str, writer: int, stories: int) -> None:
    """Store the stories under URLs that only this writer has."""

    async def save() -> None:
        async with everything(uri) as store:
            await asyncio.to_thread(Worker.together.wait)
            for numbers in batched(range(stories), 50):
                copies = [_copy(Worker.newsroom.article(10 * number), writer) for number in numbers]
                # The first answer of each but one is a claim, which the second confirms.
                await store(copies)
                await store([replace(copy, confirmed=True) for copy in copies])

    asyncio.run(save())


def _copy(article: Article, writer: int) -> Article:
    url = f"https://www.rfi.fr/{article.edition}/writer{writer}/{article.url.rpartition('/')[2]}"
    return replace(article, key=urls.key(url), url=url, short_code=None)


def copied(uri: str, seed: int, writers: int, stories: int) -> bool:
    """Let writers store the same stories under different URLs at once; whether each is one document with all URLs."""
    bench = Bench(uri, seed, writers)
    began = time.monotonic()
    jobs = [bench.pool.submit(write_copies, uri, writer, stories) for writer in range(writers)]
    for job in jobs:
        job.result()
    bench.pool.shutdown()
    with MongoClient[documents.Document](uri) as client:
        found = list(client.rfi.articles.find({}, {"aliases": 1}))
        client.drop_database("rfi")
    complete = sum(len(set(document["aliases"])) == writers - 1 for document in found)
    print(f"{writers} writers, the same {stories} stories under different URLs, {time.monotonic() - began:.1f} s:")
    print(f"  {len(found)} documents, {complete} of them with all {writers} URLs")
    return len(found) == complete == stories


def load(uri: str, seed: int, first: int, count: int) -> int:
    """Fill the archive: the documents as the store writes them, without a look at what is there."""
    newsroom = Newsroom(seed)

    async def fill() -> None:
        async with await Store.open(uri, "rfi") as opened:
            collection = opened._collections["articles"].with_options(write_concern=WriteConcern(1))  # noqa: SLF001 - past the door on purpose
            for numbers in batched(range(first, first + count), 1000):
                articles = [newsroom.article(number) for number in numbers if number % 20 != 19]
                states = documents.signed([decide(None, article).state for article in articles])
                await collection.insert_many([documents.article_document(state) for state in states], ordered=False)

    asyncio.run(fill())
    return count


def batched(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The numbers in groups."""
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def filled(uri: str, seed: int, first: int, count: int, loaders: int) -> None:
    """Fill the archive with several processes."""
    began, part = time.monotonic(), 10_000
    with ProcessPoolExecutor(loaders) as pool:
        starts = range(first, first + count, part)
        jobs = [pool.submit(load, uri, seed, start, min(part, first + count - start)) for start in starts]
        for job in jobs:
            job.result()
    with MongoClient[documents.Document](uri) as client:
        client.admin.command("fsync")  # else the measurement pays for what was put in
    print(f"{count:,} articles put in first, in {time.monotonic() - began:.0f} s")


def main() -> int:
    """Measure, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=12_000)
    parser.add_argument("--stored", type=int, default=0)
    parser.add_argument("--same", type=int, default=0, help="stories that every writer stores under URLs of its own")
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--uri", help="a server to use (its databases rfi and peer); default: one of its own")
    options = parser.parse_args()
    with contextlib.nullcontext(options.uri) if options.uri else stage.database() as uri:
        if options.same:
            return not copied(uri, options.seed, options.writers, options.same)
        bench = Bench(uri, options.seed, options.writers)
        print(f"empty archive, {options.writers} writers, {stage.cores()}")
        empty = full = bench.measure(0, options.articles)
        if options.stored:
            filled(uri, options.seed, options.articles, options.stored, options.writers)
            print(f"archive of {options.articles + options.stored:,}")
            full = bench.measure(options.articles + options.stored, options.articles)
            print(f"{full / empty:.0%} of the speed of an empty archive (least: {LEAST_WHEN_FULL:.0%})")
        bench.pool.shutdown()
    return empty < LEAST or full < LEAST_WHEN_FULL * empty


if __name__ == "__main__":
    sys.exit(main())

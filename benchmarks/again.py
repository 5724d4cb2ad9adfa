"""What a second run costs: ours beside plain Scrapy with each of its cache policies, and without a cache."""

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from world import LONGEST_S, Figure, World, none, world

from rfispider.site import urls
from rfispider.site.editions import EDITIONS
from tests.support.crawling import PATH, SIZE, STATUS, path, surroundings

PLAIN = Path(__file__).with_name("plain.py")
CACHE = {"HTTPCACHE_ENABLED": "1"}
PEERS: Mapping[str, Mapping[str, str]] = {
    "Scrapy, HttpCache RFC 2616": {**CACHE, "HTTPCACHE_POLICY": "scrapy.extensions.httpcache.RFC2616Policy"},
    "Scrapy, HttpCache dummy": {**CACHE, "HTTPCACHE_POLICY": "scrapy.extensions.httpcache.DummyPolicy"},
    "Scrapy, naive": {},
}
OURS = "rfispider"
MOST_S = 5.0


@dataclass(frozen=True)
class Run:
    """One run, as the site saw it."""

    requests: list[list[str]]
    seconds: float
    cpu_s: float

    def told(self) -> str:
        """In a few words."""
        size = sum(int(request[SIZE]) for request in self.requests)
        return f"{len(self.requests)} requests, {size / 1024:,.0f} KiB, {self.seconds:.1f} s, {self.cpu_s:.1f} of CPU"

    def answered(self) -> set[str]:
        """Paths of the documents that were served, not only said to be unchanged."""
        return {path(request[PATH]) for request in self.requests if request[STATUS] == "200"}


def again(*, articles: int, editions: str, published: int) -> list[Figure]:
    """Every contender crawls, crawls again, and once more after news came out."""
    with world(articles, 0, 8, editions=editions) as here:
        contenders: dict[str, Callable[[], float]] = {
            OURS: here.crawl,
            **{name: _peer(here, name, editions) for name in PEERS},
        }
        first = {name: observed(here, crawl) for name, crawl in contenders.items()}
        second = {name: observed(here, crawl) for name, crawl in contenders.items()}
        whole = here.whole()
        news = publish(here, published, editions)
        third = {name: observed(here, crawl) for name, crawl in contenders.items()}
        return [*whole, *_ours(here, second[OURS], editions), *_side_by_side(here, first, second, third, news)]


def observed(here: World, crawl: Callable[[], float]) -> Run:
    """Run it, and take what the site's log gained."""
    before, burnt_s = len(here.site.requests()), _burnt_s()
    seconds = crawl()
    return Run(here.site.requests()[before:], seconds, _burnt_s() - burnt_s)


def _burnt_s() -> float:
    """CPU seconds of the processes that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def publish(here: World, count: int, editions: str) -> set[str]:
    """Let so many articles come out in the first edition; their paths."""
    before = {article["url"] for article in here.site.replica.truth()}
    here.site.replica.control(publish={"n": count, "edition": editions.split(",", maxsplit=1)[0]})
    return {path(article["url"]) for article in here.site.replica.truth() if article["url"] not in before}


def sources(editions: str) -> list[str]:
    """Canonical URLs of the built-in sources."""
    return [urls.canonical(known.url) for code in editions.split(",") for known in EDITIONS[code].sources]


def _peer(here: World, name: str, editions: str) -> Callable[[], float]:
    directory = here.directory / name.replace(" ", "-")
    directory.mkdir()
    options = [f"-s{setting}={value}" for setting, value in PEERS[name].items()]
    given = [f"-abase={here.site.replica.base}", f"-astarts={','.join(sources(editions))}"]
    cached = f"-sHTTPCACHE_DIR={directory / 'cache'}"

    def crawl() -> float:
        started = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "scrapy",
            "runspider",
            str(PLAIN),
            *given,
            *options,
            cached,
            "-sLOG_LEVEL=ERROR",
        ]
        # In a directory of its own: in the checkout, Scrapy would take our settings.
        subprocess.run(command, cwd=directory, env=surroundings(), check=True, timeout=LONGEST_S)
        return time.monotonic() - started

    return crawl


def _ours(here: World, run: Run, editions: str) -> list[Figure]:
    asked = Counter(path(request[PATH]) for request in run.requests)
    answers = Counter(request[STATUS] for request in run.requests if request[PATH] != "/robots.txt")
    fetched = [url for url in asked if url in here.site.truth]
    known = len(sources(editions))
    return [
        Figure("sources", f"{known}"),
        Figure("requests a source in the second run", f"at most {max(asked.values())}", "1", max(asked.values()) == 1),
        Figure("its answers, robots.txt apart", ", ".join(f"{n} x {status}" for status, n in sorted(answers.items()))),
        none("articles asked for again", len(fetched)),
        Figure("seconds, start included", f"{run.seconds:.1f}", f"under {MOST_S:g}", run.seconds < MOST_S),
    ]


def _side_by_side(
    here: World, first: Mapping[str, Run], second: Mapping[str, Run], third: Mapping[str, Run], news: set[str]
) -> list[Figure]:
    rows = []
    for name in first:
        reached = len(first[name].answered() & here.site.truth.keys())
        found = len(third[name].answered() & news)
        rows += [
            Figure(f"{name}: first run", f"{first[name].told()}; {reached} articles"),
            Figure(f"{name}: second run", second[name].told()),
            Figure(f"{name}: after {len(news)} new articles", f"{third[name].told()}; {found} found"),
        ]
    return rows

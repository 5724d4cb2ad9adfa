"""`make demo`: serve a generated RFI on this machine, crawl it into a real MongoDB, compare with the truth.

    python -m replica.demo [--editions cn,fr,en] [--articles 60]

Everything is offline. The articles stay in the database `rfi_demo` of the embedded server, so that they can be
queried afterwards. Exit status 0: every reachable article is stored, none twice.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from rich.console import Console

DATABASE = "rfi_demo"
BIN = Path(sys.executable).parent
QUESTION = """\
{python} -c "
import pymongo
articles = pymongo.MongoClient('{uri}').{database}.articles
for article in articles.find({{'edition': 'cn'}}).sort('published_at', -1).limit(5):
    print(article['published_at'], article['title'])"
"""
"""A query to paste."""
say = Console(highlight=False).print


@contextmanager
def replica(arguments: argparse.Namespace, truth: Path) -> Iterator[str]:
    """Serve the generated site while the context lasts; gives its base URL."""
    options = ["--port", "0", "--editions", arguments.editions, "--articles", str(arguments.articles)]
    command = [sys.executable, "-m", "replica", "serve", *options, "--truth", str(truth)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own module
        try:
            assert server.stdout  # noqa: S101 - asked for above
            line = server.stdout.readline().strip()
            say(f"[bold]replica[/]  {line}")
            yield next(word for word in line.split() if word.startswith("http://")).rstrip("/")
        finally:
            server.terminate()


def crawl(base: str, editions: str) -> float:
    """Run the crawl as a user would; gives its seconds. Exits when the crawl fails."""
    started = time.monotonic()
    command = [str(BIN / "scrapy"), "crawl", "rfi", "-a", f"editions={editions}", "-a", "depth=-1"]
    command += ["-s", "RFI_FOLLOW_TOPICS=1"]
    say(f"[bold]crawl[/]    RFI_BASE_URL={base} scrapy {' '.join(command[1:])}", soft_wrap=True)
    environment = os.environ | {"RFI_BASE_URL": base, "MONGO_DATABASE": DATABASE}
    status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own command
    if status:
        sys.exit(status)
    return time.monotonic() - started


def server_uri() -> str:
    """Where the articles lie: MONGO_URI, else the embedded server."""
    given = os.environ.get("MONGO_URI")
    command = [str(BIN / "rfispider"), "mongo", "up"]
    return given or subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def reachable(truth: Path) -> set[str]:
    """The URLs of all articles that some chain of links leads to."""
    articles = map(json.loads, truth.read_text("utf-8").splitlines())
    return {article["url"] for article in articles if article["reached_by"] != "none"}


def stored(articles: Any) -> Counter[str]:
    """How many documents hold each URL."""
    found: Counter[str] = Counter()
    for article in articles.find({}, {"url": 1, "aliases": 1}):
        found.update({article["url"], *article.get("aliases", [])})
    return found


def compare(expected: set[str], found: Counter[str]) -> bool:
    """Tell whether every reachable article is stored, and none twice."""
    missing = sorted(expected - set(found))
    twice = sorted(url for url, times in found.items() if times > 1)
    say(f"[bold]truth[/]    {len(expected)} articles can be reached, {len(expected) - len(missing)} are stored")
    for url in missing[:5]:
        say(f"         missing: {url}")
    for url in twice[:5]:
        say(f"         stored twice: {url}")
    return not missing and not twice


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--editions", default="cn,fr,en", help="comma-separated edition codes (default %(default)s)")
    parser.add_argument("--articles", type=int, default=60, help="articles an edition (default %(default)s)")
    arguments = parser.parse_args()
    uri = server_uri()
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    articles = client[DATABASE].articles
    before = articles.estimated_document_count()
    with tempfile.TemporaryDirectory() as scratch, replica(arguments, Path(scratch) / "truth.jsonl") as base:
        seconds = crawl(base, arguments.editions)
        complete = compare(reachable(Path(scratch) / "truth.jsonl"), stored(articles))
    fresh = articles.estimated_document_count() - before
    say(f"[bold]stored[/]   {fresh or 'no'} new articles in {seconds:.1f} s ({before} were there before)\n")
    subprocess.run([str(BIN / "rfispider"), "report", "--database", DATABASE], check=True)  # noqa: S603 - our own command
    say(f"\nThe articles lie in [bold]{uri}[/], database [bold]{DATABASE}[/]. Ask them something:\n", soft_wrap=True)
    say(QUESTION.format(python=BIN / "python", uri=uri, database=DATABASE), markup=False, soft_wrap=True)
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()

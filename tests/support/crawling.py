"""Real crawls of the replica in processes of their own, as a user starts them."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

from rfispider import settings
from rfispider.cli import main

ROOT = Path(__file__).parents[2]
CRAWL_SECONDS = 60
POLL_S = 0.02
STAMP, STATUS, SIZE, PATH, AGENT = 0, 2, 3, 4, 5
"""Columns of the request log."""


class Replica:
    """A running replica."""

    def __init__(self, base: str, directory: Path) -> None:
        self.base = base
        self.truth_file = directory / "truth.jsonl"
        self.log_file = directory / "requests.tsv"

    def truth(self) -> list[dict[str, Any]]:
        """Every article that can be reached, as it is now."""
        with urllib.request.urlopen(f"{self.base}/__truth__", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return [article for article in map(json.loads, lines) if article["reached_by"] != "none"]

    def control(self, **faults: Any) -> None:
        """Change how the site behaves."""
        request = urllib.request.Request(f"{self.base}/__control__", json.dumps(faults).encode(), method="POST")
        urllib.request.urlopen(request, timeout=30).read()

    def requests(self) -> list[list[str]]:
        """The request log: time, method, status, bytes, path, user agent."""
        return [line.split("\t") for line in self.log_file.read_text("utf-8").splitlines()]


class Site:
    """A replica, with what it was asked for since this was made."""

    def __init__(self, replica: Replica, *, in_flight: int) -> None:
        self.replica, self.in_flight, self.before = replica, in_flight, len(replica.requests())
        self.truth = {path(article["url"]): article for article in replica.truth()}

    def requests(self) -> list[list[str]]:
        return self.replica.requests()[self.before :]

    def articles(self) -> list[list[str]]:
        return [request for request in self.requests() if path(request[PATH]) in self.truth]

    def fetched(self) -> Counter[str]:
        return Counter(path(request[PATH]) for request in self.articles() if request[STATUS] == "200")

    def fetched_again(self) -> int:
        return sum(self.fetched().values()) - len(self.fetched())

    def wait_for_articles(self, share: float, seconds: float = 30) -> None:
        wait_until(lambda: len(self.articles()) >= share * len(self.truth), "articles are fetched", seconds)

    def listed(self, count: int) -> list[str]:
        """Articles that the sources of the English edition list."""
        near = (url for url, article in self.truth.items() if (article["edition"], article["hops"]) == ("en", 0))
        return list(near)[:count]

    def environment(self, **more: str) -> dict[str, str]:
        return {"RFI_BASE_URL": self.replica.base, "RFI_RATE": "0", "RFI_CONCURRENCY": str(self.in_flight), **more}


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[Replica]:
    """Serve a replica while the context lasts."""
    replica = Replica("", directory)
    files = ["--truth", str(replica.truth_file), "--log", str(replica.log_file)]
    command = [sys.executable, "-m", "replica", "serve", "--port", "0", *files, *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            line = server.stdout.readline()
            replica.base = next(word for word in line.split() if word.startswith("http://")).rstrip("/")
            yield replica
        finally:
            server.terminate()


def crawl(uri: str, database: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `scrapy crawl rfi` to its end; its log is in stderr."""
    return subprocess.run(
        [sys.executable, "-m", "scrapy", "crawl", "rfi", *options],
        cwd=ROOT,
        env=surroundings(MONGO_URI=uri, MONGO_DATABASE=database, **environment),
        capture_output=True,
        text=True,
        timeout=CRAWL_SECONDS,
        check=False,
    )


@contextmanager
def crawling(
    uri: str, database: str, log: Path, *options: str, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `scrapy crawl rfi` and leave it to the test; its log goes to a file, it does not outlive the context."""
    command = [sys.executable, "-m", "scrapy", "crawl", "rfi", *options]
    told = surroundings(MONGO_URI=uri, MONGO_DATABASE=database, **environment)
    with log.open("wb") as stderr, subprocess.Popen(command, cwd=ROOT, env=told, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.kill()


def rfispider(uri: str, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `rfispider`."""
    return subprocess.run(
        [sys.executable, "-c", "from rfispider.cli import main; main()", *arguments],
        cwd=ROOT,
        env=surroundings(MONGO_URI=uri, MONGO_DATABASE=database, COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=CRAWL_SECONDS,
        check=False,
    )


def command(uri: str, database: str, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of `rfispider` in this process, which spares the second that its imports take."""
    given = ["rfispider", *arguments]
    with (
        patch.object(sys, "argv", given),
        patch.object(sys, "stdin", StringIO(typed)),
        patch.object(settings, "MONGO_URI", uri),
        patch.dict(os.environ, MONGO_DATABASE=database),
        redirect_stdout(StringIO()) as out,
        redirect_stderr(StringIO()) as err,
    ):
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return subprocess.CompletedProcess(given, status, out.getvalue(), err.getvalue())


def surroundings(**environment: str) -> Mapping[str, str]:
    """The environment of a user, with a few variables set and none of ours inherited.

    A worker reads pages itself, unless a test is about that: to start a process for each of so many small crawls would
    take longer than the crawls.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RFI_", "MONGO_"))}
    return inherited | {"RFI_EXTRACT_PROCESSES": "0"} | environment


def path(url: str) -> str:
    return unquote(urlsplit(url).path)


def wait_until(holds: Callable[[], Any], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s until {what}"
        time.sleep(POLL_S)


def stored(archive: Any) -> list[str]:
    """The paths of all articles but stubs, those included that are there as an alias of another, or claim to be one."""
    found = archive.articles.find({"status": {"$ne": "stub"}})
    urls = {url for article in found for url in (article["url"], *article["aliases"])}
    return sorted(map(path, urls | claimed(archive)))


def claimed(archive: Any) -> set[str]:
    """URLs whose page shows the text of another article, which is to be confirmed by a second answer."""
    return {document["url"] for document in archive.frontier.find({"claim.evidence": {"$regex": "^one with another"}})}


def let_claims_be_confirmed(archive: Any) -> None:
    """As if the time had passed after which what claims something is looked at again."""
    earlier = {"$dateSubtract": {"startDate": "$claim.at", "unit": "hour", "amount": 1}}
    claims = {"claim": {"$exists": True}}
    archive.frontier.update_many(claims, [{"$set": {"claim.at": earlier, "due_at": "$$NOW"}}])


@contextmanager
def serving_files(directory: Path) -> Iterator[str]:
    """Serve the files of a directory as they are while the context lasts; gives the base URL."""
    with running(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory)))) as base:
        yield base


@contextmanager
def running(server: HTTPServer) -> Iterator[str]:
    """Let a server of this process answer while the context lasts; gives the base URL."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,))
        thread.start()
        try:
            yield f"http://{server.server_address[0]}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

"""The whole crawl beside its peers: one site, one MongoDB, the same articles, one contender after the other.

    python benchmarks/crawl.py [--pages 2000] [--peers-python .venv-peers/bin/python] [--only NAME,...]

The site is `cached_site.py`, whose own ceiling is measured first. Contenders run in processes and environments of their
own, 16 requests at a time (ours with up to 128 answers that are not stored yet), and store what they read in a database
of their own on the same server. Slow ones get a fifth of the pages, and the table says so. Speed counts from the first
request that the site sees to the end of the contender's last process; CPU and memory are of all its processes, start-up
included, MongoDB's CPU apart. Scrapy alone and ours run three times, in turn with the others, and medians count: what
they are compared by is small beside the noise of a virtual machine. What is stored is compared with the truth about
every page. Writes `benchmarks/results/crawl.md`, `.json` and `.svg`. Exit status 1: a promise is broken.
"""

import argparse
import compileall
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import processes
import stage
from crawl_report import Row, chart, middle, promises, table
from judging import judge
from pymongo import MongoClient

CONTENDERS = Path(__file__).with_name("contenders")
IN_FLIGHT = 16
IN_FLIGHT = 128
"""Of ours: pages that may be answered and not yet stored, beside the requests at a time that all have."""
ROUNDS = 3
LONGEST_S = 600.0
SLOW = 5
"""What is many times slower than we are gets one page of so many."""


@dataclass(frozen=True)
class Contender:
    """One way to crawl the site."""

    name: str
    title: str
    script: str = ""
    """In `contenders/`; empty: this package."""
    workers: int = 1
    share: int = 1
    """It gets one page of so many."""
    stores: bool = True
    rounds: int = 1
    """So often it runs."""
    environment: dict[str, str] = field(default_factory=dict)


ENTRANTS = (
    Contender("ceiling", "the site itself, bare sockets", "bare_client", stores=False),
    Contender("fetch", "Scrapy, fetching only", "scrapy_fetch", stores=False, rounds=ROUNDS),
    Contender("ours", "rfispider, 1 worker", rounds=ROUNDS),
    Contender("ours2", "rfispider, 2 workers", workers=2, rounds=ROUNDS),
    Contender("lean", "rfispider, 1 worker, raw pages not kept", environment={"RFI_KEEP_PAGES": "0"}),
    Contender("alone", "rfispider, 1 worker, reading in its own process", environment={"RFI_EXTRACT_PROCESSES": "0"}),
    Contender(
        "alone2",
        "rfispider, 2 workers, each reading in its own process",
        workers=2,
        rounds=ROUNDS,
        environment={"RFI_EXTRACT_PROCESSES": "0"},
    ),
    Contender("tutorial", "Scrapy + trafilatura + upsert", "scrapy_tutorial", share=SLOW),
    Contender("crawlee", "Crawlee + trafilatura + upsert", "crawlee_http", share=SLOW),
    Contender("trafilatura", "trafilatura's downloader + upsert", "trafilatura_downloads", share=SLOW),
    Contender("newsplease", "news-please + upsert", "news_please", share=2 * SLOW),
)


@dataclass(frozen=True)
class Scene:
    """What all contenders share."""

    base: str
    site_pid: int
    uri: str
    mongod_pid: int
    truths: list[dict[str, Any]]
    peers: str
    """Interpreter of the peers' environment."""


@contextmanager
def site(directory: Path, pages: int, shared: Path) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
    """Serve the pages while the context lasts: base URL, process, truths."""
    truth = directory / "truth.jsonl"
    script = str(Path(__file__).with_name("cached_site.py"))
    command = [sys.executable, script, "--truth", str(truth), "--pages", str(pages), "--shared", str(shared)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            base = server.stdout.readline().strip() or sys.exit("the site did not start")
            yield base, server.pid, [json.loads(line) for line in truth.read_text("utf-8").splitlines()]
        finally:
            server.terminate()


def commands(entrant: Contender, scene: Scene, pages: int) -> tuple[list[list[str]], dict[str, str]]:
    """What is to be run, and in which environment."""
    if entrant.script:
        script = str(CONTENDERS / f"{entrant.script}.py")
        python = sys.executable if entrant.name == "ceiling" else scene.peers
        return [[python, script, scene.base, scene.uri, entrant.name, str(pages)]], {"IN_FLIGHT": str(IN_FLIGHT)}
    crawl = [sys.executable, "-m", "scrapy", "crawl", "rfi", "-a", "editions=cn", "-a", f"sources={scene.base}/cn/rss"]
    ours = {
        "MONGO_URI": scene.uri,
        "MONGO_DATABASE": entrant.name,
        "RFI_BASE_URL": scene.base,
        "RFI_CONCURRENCY": str(IN_FLIGHT),
        "RFI_IN_FLIGHT": str(IN_FLIGHT),
        "RFI_RATE": "0",
        "SCRAPY_SETTINGS_MODULE": "rfispider.settings",
        "PYTHONPATH": str(stage.ROOT),
    }
    return [crawl] * entrant.workers, {**ours, **entrant.environment}


def compete(entrant: Contender, scene: Scene) -> Row:
    """Let a contender crawl the site; how it did."""
    truths = scene.truths[: len(scene.truths) // entrant.share]
    asked(scene.base)
    before = processes.cpu_s(scene.mongod_pid), processes.cpu_s(scene.site_pid)
    with tempfile.TemporaryDirectory() as directory:
        given, environment = commands(entrant, scene, len(truths))
        cost = processes.run(given, environment, Path(directory), LONGEST_S)
    after = processes.cpu_s(scene.mongod_pid), processes.cpu_s(scene.site_pid)
    seen = asked(scene.base)
    with MongoClient[dict[str, Any]](scene.uri) as client:
        marks = judge(truths, client[entrant.name]["articles"].find()) if entrant.stores else None
        client.drop_database(entrant.name)
    began = seen.get("first", cost.started)
    return Row(
        name=entrant.name,
        title=entrant.title,
        pages=len(truths),
        requests=int(seen.get("requests", 0)),
        startup_s=began - cost.started,
        seconds=cost.ended - began,
        cpu_s=cost.cpu_s,
        mongod_cpu_s=after[0] - before[0],
        site_cpu_s=after[1] - before[1],
        peak_mib=cost.peak_bytes / 2**20,
        marks=marks,
        failed=cost.failed,
    )


def asked(base: str) -> dict[str, float]:
    """What the site was asked for since this was called last."""
    with urllib.request.urlopen(f"{base}/__seen__", timeout=30) as answer:
        told: dict[str, float] = json.loads(answer.read())
    return told


def entrants(only: str, peers: Path | None) -> list[Contender]:
    """Those who are wanted and can run."""
    wanted = [each for each in ENTRANTS if not only or each.name in only.split(",")]
    return [each for each in wanted if peers or not each.script or each.name == "ceiling"]


def mongod_of(uri: str) -> int:
    """The process that serves a database on this machine."""
    with MongoClient[dict[str, Any]](uri) as client:
        return int(client.admin.command("serverStatus")["pid"])


def contest(options: argparse.Namespace) -> list[Row]:
    """Every contender in turn, round by round."""
    rows: dict[str, list[Row]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as directory,
        site(Path(directory), options.pages, options.shared) as (base, pid, truths),
        stage.database() as uri,
    ):
        scene = Scene(base, pid, uri, mongod_of(uri), truths, str(options.peers_python or sys.executable))
        chosen = entrants(options.only, options.peers_python)
        for entrant in (each for turn in range(ROUNDS) for each in chosen if turn < each.rounds):
            rows[entrant.name].append(compete(entrant, scene))
            print(rows[entrant.name][-1].line(), flush=True)
    return [middle(runs) for runs in rows.values()]


def main() -> int:
    """Compete, print, write; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    parser.add_argument("--peers-python", type=lambda given: Path(given).absolute(), help="interpreter with the peers")
    parser.add_argument("--only", default="", help="names of contenders, comma-separated")
    parser.add_argument("--results", type=Path, default=stage.RESULTS)
    options = parser.parse_args()
    # Whoever installs packages has them compiled, as those of the contenders are.
    compileall.compile_dir(stage.ROOT / "rfispider", quiet=1)
    rows = contest(options)
    pages = "real bodies in real page furniture" if stage.has_corpus(options.shared) else "the replica's pages"
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    head = f"{datetime.now(UTC):%Y-%m-%d}, {stage.cores()}, {load}: {rows[0].pages} pages, {pages}."
    text = "\n".join(["# The whole crawl beside its peers", "", head, "", *table(rows), "", *promises(rows)[1], ""])
    options.results.mkdir(exist_ok=True)
    (options.results / "crawl.md").write_text(text, encoding="utf-8")
    (options.results / "crawl.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", "utf-8")
    (options.results / "crawl.svg").write_bytes(chart(rows))
    print(text)
    return not promises(rows)[0]


if __name__ == "__main__":
    sys.exit(main())

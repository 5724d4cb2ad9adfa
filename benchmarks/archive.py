"""How fast archived entries are read and stored: documents a CPU second of the crawler, held to one core.

    python benchmarks/archive.py [--shared ../shared] [--articles 250] [--core 0]

Imports the real documents of ../shared, else --articles of each edition of the replica, with
`scrapy crawl rfi -a archive=... -a depth=0` into a database of its own; MongoDB may use the other cores. Needs taskset
(util-linux). Exit status 1: under 300 documents a second.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stage
from pymongo import MongoClient

from replica import archive
from replica.editions import EDITIONS

LEAST = 300.0
"""Documents a CPU second."""


@dataclass(frozen=True)
class Import:
    """What one import took."""

    stored: int
    wall: float
    """Seconds, the start of the process among them."""
    cpu: float
    """CPU seconds of the crawler."""


def documents(shared: Path, directory: Path, articles: int) -> Path:
    """Real documents, or generated ones written to `directory`."""
    if stage.has_corpus(shared):
        return stage.corpus(shared)
    archive.write(stage.generated_site(list(EDITIONS), articles).stories, directory)
    return directory


def imported(path: Path, uri: str, core: int) -> Import:
    """Run the import on one core and measure it. Exits when it fails."""
    command = ["taskset", "-c", str(core), sys.executable, "-m", "scrapy", "crawl", "rfi"]
    environment = os.environ | {"MONGO_URI": uri, "MONGO_DATABASE": "archive"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run = subprocess.run(
        [*command, "-a", f"archive={path}", "-a", "depth=0"],
        cwd=stage.ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(run.stderr.strip().rpartition("\n")[2])
    if run.returncode:
        sys.exit(run.stderr[-2000:])
    with MongoClient[dict[str, Any]](uri) as client:
        stored = client["archive"].articles.count_documents({})
    return Import(stored, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> int:
    """Import, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    parser.add_argument("--articles", type=int, default=250)
    parser.add_argument("--core", type=int, default=0)
    options = parser.parse_args()
    with stage.database() as uri, tempfile.TemporaryDirectory() as directory:
        path = documents(options.shared, Path(directory), options.articles)
        took = imported(path, uri, options.core)
    rate = took.stored / took.cpu
    print(f"{took.stored:,} documents stored in {took.wall:.1f} s, {took.cpu:.1f} CPU s of the crawler on one core")
    print(
        f"{rate:.0f} documents a CPU second (least: {LEAST:.0f}), {took.stored / took.wall:.0f} a second of wall clock"
    )
    return rate < LEAST


if __name__ == "__main__":
    sys.exit(main())

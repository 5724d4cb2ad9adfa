"""What every benchmark stands on: the checkout on the path, a database, generated pages and, where they are, real ones.

Import it before what it finds: it puts the checkout on the path of this process.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
"""Real documents and the yardsticks for them; not part of the project, absent on most machines."""
RESULTS = Path(__file__).resolve().parent / "results"
sys.path.insert(0, str(ROOT))

from replica import archive, site  # noqa: E402 - likewise
from replica import truth as generated  # noqa: E402 - likewise
from rfispider.mongo.embedded import Embedded  # noqa: E402 - likewise
from tests.support import crawling  # noqa: E402 - found by the line above

crawl, serving = crawling.crawl, crawling.serving
crawling.CRAWL_SECONDS = 3600
"""A crawl of all real documents is longer than a test may be."""
WHOLE_SITE = ("-a", "editions=all", "-a", "depth=-1", "-s", "RFI_FOLLOW_TOPICS=1", "-s", "RFI_LIST_PAGES=0")
"""Options of a crawl that reaches every article of the replica."""


@dataclass(frozen=True)
class Sample:
    """One article page with what a perfect extraction makes of its body."""

    url: str
    """Canonical."""
    body: bytes
    """The page as served."""
    text: str
    """The body's paragraphs."""


def floors(part: str) -> dict[str, float]:
    """The floors of one table of `floors.toml`: measure -> least share."""
    tables = tomllib.loads(Path(__file__).with_name("floors.toml").read_text("utf-8"))
    return {name: float(value) for name, value in tables[part].items()}


def corpus(shared: Path) -> Path:
    """The packed real documents."""
    return shared / "corpus" / "rfi-cn-docs.tar.gz"


def has_corpus(shared: Path) -> bool:
    """Whether there are real documents and the tools that read them."""
    return corpus(shared).is_file() and (shared / "tools" / "quality.py").is_file()


@contextmanager
def database() -> Iterator[str]:
    """The URI of a real MongoDB that lives while the context lasts."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        server = Embedded(Path(directory))
        try:
            yield server.up()
        finally:
            server.down()


@contextmanager
def corpus_site(shared: Path, limit: int) -> Iterator[str]:
    """Serve the first `limit` real documents (0: all) as pages while the context lasts; gives the base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--limit", str(limit)]
    command = [sys.executable, str(shared / "tools" / "corpus_site.py"), str(corpus(shared)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            if not server.stdout.readline():
                sys.exit("corpus_site.py did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def judged(shared: Path, documents: Path, uri: str, name: str, limit: int = 0) -> dict[str, Any]:
    """What `quality.py` says of the database `name`: measure -> number of documents or share (0 to 1)."""
    command = [sys.executable, str(shared / "tools" / "quality.py"), str(documents), "--uri", uri, "--database", name]
    done = subprocess.run([*command, "--limit", str(limit)], capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return said


def real_documents(shared: Path, limit: int) -> list[str]:
    """The texts of the first `limit` archived documents."""
    texts: list[str] = []
    with tarfile.open(corpus(shared)) as packed:
        for member in packed:
            if len(texts) == limit:
                break
            if member.isfile() and (stream := packed.extractfile(member)):
                texts.append(stream.read().decode())
    return texts


def tools(shared: Path) -> tuple[Any, Any]:
    """The modules `corpus_site` and `reference` of the real documents."""
    sys.path.insert(0, str(shared / "tools"))
    return __import__("corpus_site"), __import__("reference")


def real_pages(shared: Path, limit: int) -> list[Sample]:
    """Real bodies in the furniture of a real page, as `corpus_site.py` serves them."""
    made, _ = tools(shared)
    chrome = str(shared / "corpus" / "france24-home-20211004.html.gz")
    pages, around, _ = made.build(real_documents(shared, limit), chrome, limit, 1.0)
    return [
        Sample(f"https://www.rfi.fr{path}", made.page(document, truth, around, related), "\n".join(truth.paragraphs))
        for path, (document, truth, related) in pages.items()
    ]


def generated_site(editions: Sequence[str], articles: int) -> site.Site:
    """A replica in this process."""
    return site.Site(editions=editions, articles_per_edition=articles)


def generated_pages(editions: Sequence[str], articles: int) -> list[Sample]:
    """Article pages of the replica."""
    replica = generated_site(editions, articles)
    truths = {
        record["url"]: record["text"] for record in map(json.loads, generated.lines(replica.stories).splitlines())
    }
    found = ((story, replica.answer(story.path)) for story in replica.stories)
    return [
        Sample(story.url, answer.raw(), truths[story.url])
        for story, answer in found
        if not isinstance(answer, site.Redirect | None)
    ]


def generated_entries(replica: site.Site) -> list[str]:
    """The articles of a replica as archived entries, every other one with front matter."""
    return [archive.entry(story, front_matter=n % 2 == 0) for n, story in enumerate(replica.stories)]


def shingles(text: str) -> Counter[str]:
    """Runs of three characters, white space apart, with how often each occurs."""
    squeezed = re.sub(r"\s+", "", unicodedata.normalize("NFC", text))
    return Counter(squeezed[n : n + 3] for n in range(max(len(squeezed) - 2, 1)))


def f1(got: str, want: str) -> float:
    """Harmonic mean (0 to 1) of precision and recall over shingles, as `quality.py` reckons it."""
    if not want.strip() or not got.strip():
        return float(want.strip() == got.strip())
    have, due = shingles(got), shingles(want)
    return 2 * (have & due).total() / (have.total() + due.total())


def cores() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"

"""Our `extract.article` beside its peers on the same pages: CPU milliseconds a page and F1 of the body.

    python benchmarks/extract.py [--pages 200] [--shared ../shared] [--peers-python .venv-peers/bin/python]

The pages are real bodies in the furniture of a real page (345 KB) where ../shared is, else pages of the replica. All
contenders take every page, in an order that changes from page to page, so that a cold cache and what else the machine
does fall on all of them alike. Peers that cannot be
imported are named and left out; `requirements.txt` beside this file says how to install them. Writes
`benchmarks/results/extract.md`. Exit status 1: not 20 times as fast as trafilatura with metadata at a higher F1, or not
under three times the parsing by lxml alone.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import stage
import trafilatura
from lxml import html

from rfispider import extract
from rfispider.items import Article, Origin, Page

FASTER = 20.0
"""Times as fast as trafilatura with metadata on the whole page."""
PARSES = 3.0
"""Times as slow as lxml's parsing of the whole page."""
PEERS = ("newspaper4k", "news-please")
WARM_UP = 5
"""Pages that every contender reads before the clock counts: caches, lazy imports, word lists."""
Read = Callable[[stage.Sample], str]


@dataclass
class Contender:
    """One way to read pages, and how it did."""

    name: str
    read: Callable[[stage.Sample], tuple[str, float]]
    """Text and CPU milliseconds of a page."""
    has_text: bool = True
    times: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def take(self, sample: stage.Sample, *, counts: bool) -> None:
        """Read one page."""
        text, milliseconds = self.read(sample)
        if counts:
            self.times.append(milliseconds)
            self.scores.append(stage.f1(text, sample.text))

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """Milliseconds that 95 of 100 pages stay under."""
        return statistics.quantiles(self.times, n=20)[-1]

    @property
    def f1(self) -> float:
        """Mean over the pages."""
        return statistics.mean(self.scores)


def timed(read: Read) -> Callable[[stage.Sample], tuple[str, float]]:
    """A reader in this process with its CPU time."""

    def measured(sample: stage.Sample) -> tuple[str, float]:
        started = time.thread_time()
        text = read(sample)
        return text, (time.thread_time() - started) * 1000

    return measured


def ours(sample: stage.Sample) -> str:
    """The text by this package, from bytes."""
    page = Page(url=sample.url, body=sample.body, origin=Origin.PAGE, fetched_at=datetime.now(UTC), encoding="utf-8")
    found = extract.article(page)
    return found.text if isinstance(found, Article) else ""


def by_trafilatura(sample: stage.Sample) -> str:
    """The text by trafilatura with its metadata."""
    found = trafilatura.extract(sample.body, url=sample.url, with_metadata=True, output_format="json")
    return str(json.loads(found)["text"] or "") if found else ""


def by_trafilatura_fast(sample: stage.Sample) -> str:
    """The text by trafilatura at its fastest: no metadata, no fallbacks, no comments."""
    return trafilatura.extract(sample.body, url=sample.url, fast=True, include_comments=False) or ""


def parsed(sample: stage.Sample) -> str:
    """Nothing but the parse tree."""
    html.document_fromstring(sample.body, parser=html.HTMLParser(encoding="utf-8"))
    return ""


@contextmanager
def peer(python: Path, name: str) -> Iterator[Contender | str]:
    """A peer in its own interpreter, or why it cannot run."""
    command = [str(python), str(Path(__file__).with_name("peer.py")), name]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout
        first: dict[str, str] = json.loads(stdout.readline() or '{"error": "it died"}')

        def read(sample: stage.Sample) -> tuple[str, float]:
            edition = sample.url.split("/")[3]
            asked = {"url": sample.url, "html": sample.body.decode(), "language": {"cn": "zh"}.get(edition, edition)}
            stdin.write(json.dumps(asked) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer["text"], answer["ms"]

        yield first["error"] if "error" in first else Contender(f"{name} {first['version']}", read)
        stdin.close()


def contest(samples: list[stage.Sample], python: Path | None) -> tuple[list[Contender], dict[str, str]]:
    """Every contender after all pages, ours first; and why peers are missing."""
    contenders = [
        Contender("rfispider extract.article", timed(ours)),
        Contender(f"trafilatura {version('trafilatura')}, metadata", timed(by_trafilatura)),
        Contender(f"trafilatura {version('trafilatura')}, fast", timed(by_trafilatura_fast)),
        Contender(f"lxml {version('lxml')}, parsing alone", timed(parsed), has_text=False),
    ]
    missing = {}
    with ExitStack() as stack:
        for name in PEERS:
            entered = stack.enter_context(peer(python, name)) if python else "no --peers-python"
            if isinstance(entered, Contender):
                contenders.append(entered)
            else:
                missing[name] = entered
        random = Random(1)
        for number, sample in enumerate([*samples[:WARM_UP], *samples]):
            for contender in random.sample(contenders, len(contenders)):
                contender.take(sample, counts=number >= WARM_UP)
    return contenders, missing


def table(contenders: list[Contender]) -> list[str]:
    """The results as a Markdown table."""
    lines = ["| | median ms | p95 ms | times ours | F1 of the body |", "|---|---:|---:|---:|---:|"]
    for one in contenders:
        score = f"{one.f1:.4f}" if one.has_text else ""
        lines.append(
            f"| {one.name} | {one.median:.2f} | {one.p95:.2f} | {one.median / contenders[0].median:.1f} | {score} |"
        )
    return lines


def verdict(contenders: list[Contender]) -> list[tuple[bool, str]]:
    """Whether each promise holds, and its sentence."""
    our, theirs, _, parsing = contenders[:4]
    faster, slower = theirs.median / our.median, our.median / parsing.median
    return [
        (faster >= FASTER, f"{faster:.1f} times as fast as trafilatura with metadata (promised: {FASTER:.0f})"),
        (our.f1 > theirs.f1, f"F1 {our.f1:.4f} against {theirs.f1:.4f} (promised: higher)"),
        (slower < PARSES, f"{slower:.2f} times lxml's parsing of the whole page (promised: under {PARSES:.0f})"),
    ]


def report(samples: list[stage.Sample], origin: str, contenders: list[Contender], missing: dict[str, str]) -> str:
    """The page of results."""
    size = statistics.median(len(sample.body) for sample in samples) / 1024
    when = f"{datetime.now(UTC):%Y-%m-%d}, {stage.cores()}"
    head = f"{when}: {len(samples)} {origin}, {size:.0f} KiB at the median; CPU time."
    left_out = [f"Left out: {name} ({why})." for name, why in missing.items()]
    kept = [f"- {'holds' if holds else '**fails**'}: {said}" for holds, said in verdict(contenders)]
    return "\n".join(
        ["# Extraction", "", head, "", *table(contenders), "", *kept, *(["", *left_out] if left_out else []), ""]
    )


def main() -> int:
    """Measure, print, write; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    parser.add_argument(
        "--peers-python", type=Path, help="interpreter of an environment with newspaper4k and news-please"
    )
    options = parser.parse_args()
    if stage.has_corpus(options.shared):
        samples, origin = stage.real_pages(options.shared, options.pages), "real bodies in the furniture of a real page"
    else:
        samples, origin = stage.generated_pages(("cn", "fr", "en"), options.pages // 3 + 1), "pages of the replica"
    contenders, missing = contest(samples[: options.pages], options.peers_python)
    text = report(samples[: options.pages], origin, contenders, missing)
    stage.RESULTS.mkdir(exist_ok=True)
    (stage.RESULTS / "extract.md").write_text(text, encoding="utf-8")
    print(text)
    return not all(holds for holds, _ in verdict(contenders))


if __name__ == "__main__":
    sys.exit(main())

"""Feeds, sitemaps, archived entries, URLs and pages with damage: nothing but a FeedError may escape.

    python benchmarks/fuzz.py [--minutes 10] [--seed 1] [--case N] [--subject cut] [--shared ../shared]

Mutates documents of the replica, and real ones where they are. Case N of a seed is always the same input: `--case N`
runs that one alone, `--subject cut` one kind of input. Pages of that kind mislead whoever looks for markup in their
bytes; they are read cut behind their article and parsed whole. A case fails when the two readings differ, when an
exception escapes, when it takes more than 5 CPU seconds, when its process dies or hangs, or when what it makes cannot
be stored; its input is saved to a temporary file. The run fails also when the resident memory grows after the warm-up,
which is a fifth of the time. Exit status 1: a failure.
"""

import argparse
import ctypes
import gc
import multiprocessing
import statistics
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from queue import Empty

import stage
from bson import encode
from fuzz_inputs import case, sources

from rfispider import extract, feeds
from rfispider.extract import parsed_page
from rfispider.items import Article, Entry, Origin, Page, Rejection
from rfispider.site import archives, urls
from rfispider.storage.documents import STORED_FIELDS, content
from tests.support import misleading_pages

CPU_SECONDS = 5.0
"""The longest that an input may take."""
HANG_SECONDS = 120.0
"""Wall-clock seconds after which a case counts as hung; its process is killed."""
GROWTH_BYTES = 24 * 1024 * 1024
"""Growth of memory that noise of the allocator explains."""
WARM_UP = 0.2
NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
Checked = Callable[[bytes], None]


@dataclass
class Report:
    """What a run did; sent from the process that runs the cases to the one that watches."""

    cases: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str, int] = (0.0, "", -1)
    """CPU seconds, subject, case."""
    resident: list[tuple[float, int]] = field(default_factory=list)
    """Seconds since the start and resident bytes."""
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Where it failed -> the first case and all that is known of it."""


# ---- subjects --------------------------------------------------------------------------------------------


def read_feed(data: bytes) -> None:
    """Read it as a feed."""
    for entry in feeds.entries(data, "https://www.rfi.fr/cn/rss", None).entries:
        check_entry(entry)
        if entry.content:
            check_page(page(entry.url, entry.content.encode("utf-8", "surrogatepass"), Origin.FEED, entry))


def read_sitemap(data: bytes) -> None:
    """Read it as a sitemap."""
    for entry in feeds.sitemap(data):
        check_entry(entry)


def read_archived(data: bytes) -> None:
    """Read it as an archived entry."""
    entry = feeds.archived(data.decode("utf-8", "replace"))
    check_entry(entry)
    check_page(page(entry.url, (entry.content or "").encode("utf-8", "surrogatepass"), Origin.ARCHIVE, entry))


def read_packed(data: bytes) -> None:
    """Read it as a packed archive."""
    with tempfile.NamedTemporaryFile(suffix=".tar.gz") as file:
        file.write(data)
        file.flush()
        for _name, document in feeds.documents(Path(file.name)):
            if isinstance(document, str):
                with suppress(feeds.FeedError):
                    feeds.archived(document)


def read_url(data: bytes) -> None:
    """Ask everything that can be asked of a URL."""
    url = (
        data.decode("utf-8", "surrogatepass" if len(data) % 2 else "replace")
        if is_text(data)
        else data.decode("latin-1")
    )
    canonical = urls.canonical(url)
    if urls.canonical(canonical) != canonical or urls.key(canonical) != urls.key(url):
        raise AssertionError("canonical is not idempotent, or the key differs")
    for ask in QUESTIONS:
        ask(url)
    urls.from_mirror(urls.to_mirror(url, "http://127.0.0.1:1"), "http://127.0.0.1:1", url)
    canonical.encode()


def is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8, lone surrogates allowed."""
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def read_page(data: bytes) -> None:
    """Read it as an article page and as a list page."""
    told = (None, "utf-8", "iso-8859-1", "no-such-charset")[len(data) % 4]
    address = "https://www.rfi.fr/fr/afrique/20260301-essai" if len(data) % 3 else "https://www.rfi.fr/cn/"
    check_page(page(address, data, Origin.PAGE, None, told))


def read_cut(data: bytes) -> None:
    """Read it as an article's page that may be cut behind its article, and as one that is parsed whole."""
    cut, wholly = (page(misleading_pages.URL, data, Origin.PAGE, None, "utf-8") for _ in range(2))
    if isinstance(parsed_page.whole(wholly), Rejection):
        return  # the whole page may exceed a limit that the cut one stays within
    for question in (extract.article, extract.related, extract.topics, extract.refusal):
        if question(cut) != question(wholly):
            raise AssertionError(f"the cut differs: {question(cut)} and {question(wholly)}")


def page(url: str, body: bytes, origin: Origin, entry: Entry | None, encoding: str | None = None) -> Page:
    """A page as the spider would hand it over."""
    return Page(
        url=urls.canonical(url), body=body, origin=origin, fetched_at=NOW, entry=entry, encoding=encoding, source="fuzz"
    )


def check_page(made: Page) -> None:
    """Extract everything; what comes out can be stored."""
    article = extract.article(made)
    if isinstance(article, Article):
        encode(content(article, STORED_FIELDS))
    elif not isinstance(article, Rejection):
        raise TypeError(f"neither article nor rejection: {type(article)}")
    extract.refusal(made)
    for related in extract.related(made):
        related.url.encode()
    for entry in extract.listed(made):
        check_entry(entry)
    for url in (*extract.topics(made), extract.next_page(made) or ""):
        url.encode()


def check_entry(entry: Entry) -> None:
    """Ask what the spider asks of an entry; its address can be stored."""
    urls.canonical(entry.url, "https://www.rfi.fr/cn/rss").encode()
    urls.kind(entry.url)
    (entry.title or "").encode()


QUESTIONS: tuple[Callable[[str], object], ...] = (
    urls.kind, urls.edition, urls.section, urls.programme, urls.slug_date, urls.short_code, urls.twin, urls.list_page,
    archives.day, urls.is_article,
)  # fmt: skip
SUBJECTS: dict[str, Checked] = {
    "page": read_page,
    "feed": read_feed,
    "sitemap": read_sitemap,
    "archived": read_archived,
    "packed": read_packed,
    "url": read_url,
    "cut": read_cut,
}


# ---- running ---------------------------------------------------------------------------------------------


def run_case(number: int, seed: int, sound: dict[str, list[bytes]], report: Report) -> None:
    """Run one case and note how it went."""
    subject, data = case(number, seed, sound)
    started, outcome = time.process_time(), "read"
    try:
        SUBJECTS[subject](data)
    except Exception as error:  # noqa: BLE001 - what escapes is what is looked for
        outcome = type(error).__name__
        if subject in {"page", "cut", "url"} or not isinstance(error, feeds.FeedError):
            report.failures.setdefault(place(error), (number, f"{subject}: {traceback.format_exc()}"))
    seconds = time.process_time() - started
    report.cases[subject] += 1
    report.outcomes[f"{subject} {outcome}"] += 1
    report.slowest = max(report.slowest, (seconds, subject, number))
    if seconds > CPU_SECONDS:
        report.failures.setdefault(
            f"{subject} slow", (number, f"{subject}: {seconds:.1f} CPU seconds for {len(data):,} bytes")
        )


def place(error: Exception) -> str:
    """The exception's type and the line of ours that let it out, so that one fault is told once."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "rfispider" in frame.filename]
    return f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}" if frames else type(error).__name__


def run_cases(
    seconds: float,
    seed: int,
    sound: dict[str, list[bytes]],
    current: "Synchronized[int]",
    out: "multiprocessing.Queue[Report]",
) -> None:
    """Run cases until the time is over; the body of the process under test."""
    report, started, sampled = Report(), time.monotonic(), 0.0
    while (elapsed := time.monotonic() - started) < seconds:
        run_case(current.value, seed, sound, report)
        current.value += 1
        if elapsed - sampled >= 1.0:
            sampled = elapsed
            report.resident.append((elapsed, resident_bytes()))
    out.put(report)


def resident_bytes() -> int:
    """Resident memory of this process once what is free was given back."""
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def watched(seconds: float, seed: int, sound: dict[str, list[bytes]]) -> tuple[Report, list[tuple[int, str]]]:
    """Run the cases in a process of their own, so that a crash or a hang is seen; report and failures."""
    context = multiprocessing.get_context("fork")
    current: Synchronized[int] = context.Value("q", 0)
    out: multiprocessing.Queue[Report] = context.Queue()
    process = context.Process(target=run_cases, args=(seconds, seed, sound, current, out))
    process.start()
    last, since = -1, time.monotonic()
    while True:
        with suppress(Empty):
            report = out.get(timeout=1.0)
            process.join()
            return report, []
        if current.value != last:
            last, since = current.value, time.monotonic()
        if not process.is_alive() and out.empty():
            return Report(), [(last, f"the process died with exit code {process.exitcode}")]
        if time.monotonic() - since > HANG_SECONDS:
            process.kill()
            return Report(), [(last, f"hung for {HANG_SECONDS:.0f} seconds")]


def growth(report: Report, seconds: float) -> int:
    """Bytes by which the memory of the last fifth exceeds that after the warm-up."""
    early = [size for at, size in report.resident if WARM_UP * seconds <= at < 2 * WARM_UP * seconds]
    late = [size for at, size in report.resident if at >= (1 - WARM_UP) * seconds]
    return int(statistics.median(late) - statistics.median(early)) if early and late else 0


def saved(number: int, seed: int, sound: dict[str, list[bytes]]) -> Path:
    """The file in which the input of a case was put."""
    subject, data = case(number, seed, sound)
    path = Path(tempfile.gettempdir()) / f"fuzz-{subject}-{seed}-{number}.bin"
    path.write_bytes(data)
    return path


def main() -> int:
    """Run the cases and print what came of it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int)
    parser.add_argument(
        "--subject", choices=sorted(SUBJECTS), help="one kind of input alone; its cases have other numbers"
    )
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    options = parser.parse_args()
    sound, seconds = sources(options.shared), options.minutes * 60
    sound = {options.subject: sound[options.subject]} if options.subject else sound
    if options.case is None:
        report, failures = watched(seconds, options.seed, sound)
    else:
        report, failures = Report(), []
        run_case(options.case, options.seed, sound, report)
    failures += report.failures.values()
    grown = growth(report, seconds)
    if grown > GROWTH_BYTES:
        failures.append((-1, f"memory grew by {grown:,} bytes"))
    print(f"seed {options.seed}")
    print_report(report, grown)
    for number, why in failures:
        where = f" (input in {saved(number, options.seed, sound)})" if number >= 0 else ""
        print(f"FAILED case {number}{where}\n{why}")
    return bool(failures)


def print_report(report: Report, grown: int) -> None:
    """Print how many cases of what ran, and what they cost."""
    print(f"{report.cases.total():,} cases: " + ", ".join(f"{n:,} {name}" for name, n in report.cases.most_common()))
    print("outcomes: " + ", ".join(f"{n:,} {name}" for name, n in report.outcomes.most_common()))
    print(
        f"slowest: {report.slowest[0]:.2f} CPU s ({report.slowest[1]}, case {report.slowest[2]}); limit {CPU_SECONDS} s"
    )
    if report.resident:
        print(f"resident: {report.resident[-1][1] / 2**20:.0f} MiB at the end, {grown / 2**20:+.1f} since warm-up")


if __name__ == "__main__":
    sys.exit(main())

"""Feeds, sitemaps, archived entries, URLs and pages with damage: nothing but a FeedError may escape.

    python benchmarks/fuzz.py [--minutes 10] [--seed 1] [--case N] [--shared ../shared]

Mutates documents of the replica, and real ones where they are. Case N of a seed is always the same input:
`--case N` runs that one alone. A case fails when an exception escapes, when it takes more than 5 CPU seconds, when
its process dies or hangs, or when what it makes cannot be stored; its input is saved to a temporary file. The run
fails also when the resident memory grows after the warm-up, which is a fifth of the time. Exit status 1: a failure.
"""

import argparse
import ctypes
import gc
import io
import multiprocessing
import statistics
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from queue import Empty
from random import Random
from typing import Any

import stage
from bson import encode

from replica.site import Redirect
from rfispider import extract, feeds
from rfispider.items import Article, Entry, Origin, Page, Rejection
from rfispider.site import archives, urls
from rfispider.storage.documents import FIELDS, content

CPU_SECONDS = 5.0
"""The longest that an input may take."""
HANG_SECONDS = 120.0
"""Wall-clock seconds after which a case counts as hung; its process is killed."""
GROWTH_BYTES = 24 * 1024 * 1024
"""Growth of memory that noise of the allocator explains."""
MOST_BYTES = 4 * 1024 * 1024
"""Mutation by repetition stops there."""
WARM_UP = 0.2
NOW = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
EDITIONS = ("cn", "fr", "fa", "ru", "vi")
LISTS = ("/cn/", "/cn/rss", "/fr/", "/fa/rss", "/fr/rss", "/mirror/cn.xml", "/ru/", "/robots.txt")
SITEMAPS = ("index", "news", "tags", "contents_202602", "contents_202603", "contents_202601")
TOKENS = (
    b"<", b">", b"&", b'"', b"'", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"</", b"/>", b"\x00", b"\xff\xfe",
    b"\xef\xbb\xbf", b"&#0;", b"&#xD800;", b"&#55296;", b"&#1114112;", b"&#99999999999999999999;", b"&amp;amp;lt;",
    b"&undefined;", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x80\xae", b"\xef\xbf\xbe", b"<p>",
    b"</p>", b"<div>", b"</div>", b"<br>", b"<table><tr><td>", b"<script>", b"</script>",
    b'<script type="application/ld+json">', b"<style>", b"<article>", b"</article>", b"<h1>", b"<svg>", b"<math>",
    b"<template>", b"<select>", b"<plaintext>", b'<base href="//[">', b"<frameset>", b"<title>", b"<noscript>", b"{",
    b"}", b"[", b"]", b"null", b"-1", b"1e999", b"99999999999999999999", b"0000-00-00T99:99:99Z",
    b"9999-12-31T23:59:59+14:00", b"<!--99999999999999999999-->", b"---\n", b"\n------\n", b"<hr>", b"http://[::1",
    b"http://", b"//", b"%", b"%25", b"%E4%B8", b"%ff", b"?", b"#", b"..", b"/cn/", b"javascript:", b"data:,",
    b"<?xml version='1.0' encoding='utf-16'?>", b'<?xml version="1.0" encoding="x-none"?>',
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>', b"&b;", b'<meta charset="gb2312">',
    b'<meta charset="utf-7">', b"\xd6\xd0\xb9\xfa", b"<url><loc>", b"<item>", b"<entry>", b'xmlns:a="b"',
)  # fmt: skip
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


# ---- inputs ----------------------------------------------------------------------------------------------


def sources(shared: Path) -> dict[str, list[bytes]]:
    """Sound documents by the kind of input they are mutated to."""
    replica = stage.generated_site(EDITIONS, 24)
    pages = [sample.body for sample in stage.generated_pages(EDITIONS, 24)]
    entries = [entry.encode() for entry in stage.generated_entries(replica)]
    if stage.has_corpus(shared):
        pages += [sample.body for sample in stage.real_pages(shared, 60)]
        entries += [document.encode() for document in stage.real_documents(shared, 400)]
    maps = [f"/sitemaps/{code}/{name}.xml" for code in EDITIONS for name in SITEMAPS]
    lists = answers(replica.answer(path) for path in LISTS)
    return {
        "page": pages + lists,
        "feed": [*lists, b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"url": "/cn/x", "title": "x"}]}'],
        "sitemap": answers(replica.answer(path) for path in maps),
        "archived": entries,
        "packed": [packed(entries[n : n + 3]) for n in range(0, 30, 3)],
        "url": [story.url.encode() for story in replica.stories] + [path.encode() for path in (*LISTS, *maps)],
    }


def answers(found: Iterable[Any]) -> list[bytes]:
    """The bodies of what the replica answered with."""
    return [answer.raw() for answer in found if answer is not None and not isinstance(answer, Redirect)]


def packed(documents: list[bytes]) -> bytes:
    """A packed archive of documents."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for number, document in enumerate(documents):
            member = tarfile.TarInfo(f"{number}.md")
            member.size = len(document)
            archive.addfile(member, io.BytesIO(document))
    return target.getvalue()


def case(number: int, seed: int, sound: dict[str, list[bytes]]) -> tuple[str, bytes]:
    """Subject and input of a case."""
    random = Random(f"{seed}/{number}")
    subject = random.choice(list(SUBJECTS))
    data = random.choice(sound[subject])
    if random.random() < 0.1:
        data = random.choice(sound[random.choice(list(sound))])
    for _ in range(random.choice((1, 1, 2, 3, 5, 10, 30))):
        data = random.choice(MUTATIONS)(data, random, sound[subject])
    return subject, data[: MOST_BYTES * 2]


def span(data: bytes, random: Random, longest: int = 4000) -> tuple[int, int]:
    """A piece of a document: begin and end."""
    begin = random.randrange(len(data) + 1)
    return begin, min(len(data), begin + random.randrange(1, longest))


def cut(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Leave a piece out."""
    begin, end = span(data, random)
    return data[:begin] + data[end:]


def truncate(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Break off."""
    return data[: random.randrange(len(data) + 1)]


def flip(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Change bytes."""
    changed = bytearray(data)
    for _n in range(random.randrange(1, 20)):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def insert(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put something awkward somewhere."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(TOKENS) + data[at:]


def replace(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put something awkward in place of something sound, everywhere."""
    begin, end = span(data, random, 12)
    return data.replace(data[begin:end] or b"<", random.choice(TOKENS), 2000)[:MOST_BYTES]


def swell(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Repeat a token or a piece very often."""
    begin, end = span(data, random, 300)
    piece = random.choice((random.choice(TOKENS), data[begin:end])) or b"<b>"
    most = MOST_BYTES if random.random() < 0.03 else MOST_BYTES // 32
    times = min(random.choice((10, 100, 1000, 10_000, 100_000)), max(1, (most - len(data)) // len(piece)))
    return data[:begin] + piece * times + data[begin:]


def splice(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """Go on as another document."""
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def move(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Put a piece elsewhere."""
    begin, end = span(data, random)
    rest = data[:begin] + data[end:]
    at = random.randrange(len(rest) + 1)
    return rest[:at] + data[begin:end] + rest[at:]


def recode(data: bytes, random: Random, _: list[bytes]) -> bytes:
    """Write it in another character set than it says."""
    charset = random.choice(("gb18030", "utf-16", "cp1252", "utf-8-sig", "koi8-r", "utf-7", "big5"))
    return data.decode("utf-8", "replace").encode(charset, "replace")


MUTATIONS = (cut, truncate, flip, flip, insert, insert, insert, replace, swell, splice, move, move, recode)


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


def page(url: str, body: bytes, origin: Origin, entry: Entry | None, encoding: str | None = None) -> Page:
    """A page as the spider would hand it over."""
    return Page(
        url=urls.canonical(url), body=body, origin=origin, fetched_at=NOW, entry=entry, encoding=encoding, source="fuzz"
    )


def check_page(made: Page) -> None:
    """Extract everything; what comes out can be stored."""
    article = extract.article(made)
    if isinstance(article, Article):
        encode(content(article, FIELDS))
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
        if subject in {"page", "url"} or not isinstance(error, feeds.FeedError):
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
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    options = parser.parse_args()
    sound, seconds = sources(options.shared), options.minutes * 60
    if options.case is None:
        report, failures = watched(seconds, options.seed, sound)
    else:
        report, failures = Report(), []
        run_case(options.case, options.seed, sound, report)
    failures += report.failures.values()
    grown = growth(report, seconds)
    if grown > GROWTH_BYTES:
        failures.append((-1, f"memory grew by {grown:,} bytes"))
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

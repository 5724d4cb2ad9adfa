"""`rfispider reextract`: kept pages read again by this version, without fetching."""

import asyncio
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfispider import __version__, settings
from rfispider.cli import options
from rfispider.cli.console import Database, err, out, titled, with_store
from rfispider.concurrency.prefetch import ahead
from rfispider.jobs import reextract as job
from rfispider.jobs.reextract import ReparseResult
from rfispider.storage import FIELDS, ReparseBatch, Store, rules

EXAMPLES = 3
"""Differences shown of each field."""

AROUND = 40
"""Characters shown before and after the place where two texts begin to differ."""


@dataclass(slots=True)
class Tally:
    """What was found so far."""

    pages: int = 0
    pageless: int = 0
    new: int = 0
    changed: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """Field that a reader sees -> articles in which it changes."""
    quiet: Counter[str] = field(default_factory=Counter)
    """Field whose change makes no revision -> articles."""
    problems: Counter[str] = field(default_factory=Counter)
    """Why no article was read of a page that gave one -> pages."""
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, segment: ReparseBatch, readings: Sequence[ReparseResult]) -> None:
        """Count what a segment gave."""
        self.pages += len(readings)
        self.pageless += segment.pageless
        self.new += sum(reading.is_new for reading in readings)
        self.changed += sum(bool(reading.fields) for reading in readings)
        self.fields.update(name for reading in readings for name in reading.fields)
        self.quiet.update(name for each in readings for name in each.touched if name not in each.fields)
        self.problems.update(reading.problem for reading in readings if reading.problem and reading.kept.stored)


@dataclass(slots=True, kw_only=True)
class Task:
    """What is to be read again, and how."""

    condition: Mapping[str, Any]
    failures: bool
    """Whether pages that gave no article are among it."""
    dry_run: bool
    asks: bool
    tally: Tally = field(default_factory=Tally)

    @property
    def name(self) -> str:
        """Where its progress is recorded: one place a version and query."""
        query = json.dumps(self.condition, sort_keys=True, default=str)
        return f"reextract:{__version__}:{hashlib.sha256(query.encode()).hexdigest()[:16]}"


def reextract(
    *,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE", help="Only articles with this value; several times: all must hold."),
    ] = None,
    edition: options.Edition = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; else one a core.")] = None,
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Read the kept pages again with this version of the extractor; nothing is fetched.

    The differences are shown field by field before they are written. A revision is written only where a reader sees
    a change; an article whose text would shrink to under half, or that would become a stub, stays as it is. Pages in
    which no article was found before are tried again as well, unless --where asks for articles.

    It goes on where it was stopped: run it again with the same options. Exit status 1 when a page could not be read
    that gave an article before.

    For example:

      rfispider reextract --dry-run -e cn
      rfispider reextract --where extractor.rfispider=0.1.0 --where status=short --yes
    """
    editions = options.editions(edition)
    condition = ({"edition": {"$in": list(editions)}} if editions else {}) | conditions(where or [])
    asks = is_terminal() and not yes and not dry_run
    task = Task(condition=condition, failures=not where, dry_run=dry_run, asks=asks)
    with_store(database, lambda store: run(store, task, workers))
    tell(task)
    if task.tally.problems:
        raise typer.Exit(1)


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def conditions(typed: Sequence[str]) -> dict[str, Any]:
    """The filter that FIELD=VALUE options mean; a part of a field is named with a dot.

    Raises:
        typer.BadParameter: no such field, or a value that is none of its kind.

    """
    found: dict[str, Any] = {}
    for each in typed:
        name, is_told, value = each.partition("=")
        if not is_told or name.partition(".")[0] not in FIELDS or "$" in name:
            raise typer.BadParameter(f"{each!r} is not FIELD=VALUE; there are {' '.join(FIELDS)}", param_hint="--where")
        found[name] = value_of(name, value)
    return found


def value_of(name: str, typed: str) -> str | int:
    """A value as the archive has it: a number where the field is one."""
    kinds = rules()[name].get("bsonType", "string") if name in rules() else "string"
    if "date" in kinds:
        raise typer.BadParameter(f"{name} is a time, which is never equal", param_hint="--where")
    if "int" not in kinds:
        return typed
    try:
        return int(typed)
    except ValueError:
        raise typer.BadParameter(f"{name} is a number, and {typed!r} is none", param_hint="--where") from None


# ---- Going through ---------------------------------------------------------------------------------------


async def run(store: Store, task: Task, workers: int | None) -> None:
    """Go through all segments; what is to be written of one is written before the next one is looked at."""
    place = "" if task.dry_run else await begun(store, task)
    total = await store.count(task.condition)
    with job.ReparserPool(workers) as readers, progress(total) as shown:
        async for segment in ahead(store.segments(task.condition, place, failures=task.failures)):
            at = datetime.now(UTC)
            readings = await readers.read(segment.pages, at)
            examples(task.tally, readings)
            task.tally.add(segment, readings)
            shown.advance(shown.task_ids[0], len(readings) + segment.pageless)
            if task.dry_run:
                continue
            if any(reading.touched or reading.is_new for reading in readings):
                if task.asks and not await confirmed(task, shown):
                    return
                outcomes = await job.write(store, readings, at)
                task.tally.outcomes.update(map(str, outcomes))
            await store.consumer.record(task.name, {"after": segment.after})
    if not task.dry_run:
        await store.consumer.forget(task.name)


async def begun(store: Store, task: Task) -> str:
    """Where an earlier run of the same was stopped; the beginning when there was none."""
    told = await store.consumer.load(task.name)
    if told is None:
        return ""
    err.print(f"rfispider: going on where it was stopped at {told['at']:%Y-%m-%d %H:%M} UTC")
    return str(told["after"])


async def confirmed(task: Task, shown: Progress) -> bool:
    """Ask whether what was shown may be written; once for all that follows, if so answered."""
    shown.stop()
    summary(task.tally)
    prompt = "Write this? (y)es and ask again, (a)ll that follows too, (n)o and stop"
    answer = await asyncio.to_thread(typer.prompt, prompt, default="n")
    task.asks = not answer.lower().startswith("a")
    shown.start()
    return answer.lower()[:1] in {"y", "a"}


# ---- What a person sees ----------------------------------------------------------------------------------


def examples(tally: Tally, readings: Sequence[ReparseResult]) -> None:
    """Show the first differences of each field."""
    shown = tally.fields.copy()
    for reading in readings:
        if not (reading.kept.stored and reading.decision):
            continue
        before, after = reading.kept.stored.article, reading.decision.state.article
        for name in reading.fields:
            shown[name] += 1
            if shown[name] <= EXAMPLES:
                old, new = differing(told(getattr(before, name)), told(getattr(after, name)))
                out.print(f"[bold]{name}[/]  {escape(before.url)}", soft_wrap=True)
                out.print(f"  [red]- {escape(old)}[/]\n  [green]+ {escape(new)}[/]", soft_wrap=True)


def told(value: object) -> str:
    """A value in one line."""
    if isinstance(value, list):
        return ", ".join(str(getattr(each, "url", each)) for each in value)
    return "-" if value is None or value == "" else " ".join(str(value).split())


def differing(old: str, new: str) -> tuple[str, str]:
    """Two texts around the place where they begin to differ."""
    place = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, place - AROUND)
    cut = "..." if start else ""
    return cut + old[start : place + AROUND], cut + new[start : place + AROUND]


def summary(tally: Tally) -> None:
    """How many articles differ in each field."""
    table = titled(f"{tally.changed} of {tally.pages} pages read differently", "field")
    table.add_column("articles", justify="right")
    table.add_column("seen by a reader")
    for name, count in tally.fields.most_common():
        table.add_row(name, str(count), "yes: a revision")
    for name, count in tally.quiet.most_common():
        table.add_row(name, str(count), "no")
    if table.row_count:
        out.print(table)


def tell(task: Task) -> None:
    """Say how it ended."""
    tally = task.tally
    summary(tally)
    for problem, count in tally.problems.most_common():
        err.print(f"rfispider: {count} pages that gave an article were not read: {escape(problem)}")
    written = ", ".join(f"{count} {name}" for name, count in tally.outcomes.items()) or "nothing"
    news = f", {tally.new} new articles" if tally.new else ""
    missing = f", {tally.pageless} articles have no kept page" if tally.pageless else ""
    out.print(
        f"{tally.pages} pages read, {tally.changed} changes{news}{missing}; "
        + ("nothing written: a dry run" if task.dry_run else f"written: {written}")
    )


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """A progress bar on a terminal."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.speed:.0f}/s"), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as shown:
        shown.add_task("", total=total)
        yield shown

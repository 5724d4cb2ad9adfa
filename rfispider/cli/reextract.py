"""`rfispider reextract`: kept pages parsed again by this version, without fetching."""

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
from rfispider.cli.console import Database, ask, counted, err, out, titled, with_store
from rfispider.concurrency.prefetch import ahead
from rfispider.jobs import reextract as job
from rfispider.jobs.reextract import ReparseResult
from rfispider.storage import READER_FIELDS, ReparseBatch, Store, rules
from rfispider.text import readable_urls

EXAMPLES = 3
"""Differences shown of each field."""

AROUND = 40
"""Characters shown before and after the place where two texts begin to differ."""


@dataclass(slots=True)
class Tally:
    """What was counted so far."""

    pages: int = 0
    pageless: int = 0
    """Articles of which no page was kept."""
    new: int = 0
    changed: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """Field that a reader sees -> articles in which it changes."""
    quiet: Counter[str] = field(default_factory=Counter)
    """Field whose change makes no revision -> articles."""
    problems: Counter[str] = field(default_factory=Counter)
    """Why no article was read of a page that gave one -> pages."""
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, result: ReparseResult) -> None:
        """Count what one page gave."""
        self.pages += 1
        self.new += result.is_new
        self.changed += bool(result.fields)
        self.fields.update(result.fields)
        self.quiet.update(set(result.touched).difference(result.fields))
        if result.problem and result.kept.stored:
            self.problems[result.problem] += 1


@dataclass(slots=True, kw_only=True)
class Task:
    """What is to be parsed again, and how."""

    condition: Mapping[str, Any]
    failures: bool
    """Whether pages that gave no article are among it."""
    dry_run: bool
    asks: bool
    """Whether a person confirms what is written."""
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
    workers: Annotated[int | None, typer.Option(min=1, max=256, help="Processes; else one a core.")] = None,
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Parse the kept pages again with this version of the extractor; nothing is fetched.

    The differences are shown field by field before they are written. A revision is written only where a reader sees
    a change; an article whose text would shrink to under half, or that would become a stub, stays as it is. Pages in
    which no article was found before are tried again as well, unless --where asks for articles.

    It continues where it was stopped: run it again with the same options. Exit status 1 when a page that gave an
    article before could not be parsed.

    For example:

      rfispider reextract --dry-run -e cn
      rfispider reextract --where extractor.rfispider=0.1.0 --where status=short --yes
    """
    editions = options.editions(edition)
    condition = ({"edition": {"$in": list(editions)}} if editions else {}) | conditions(where or [])
    asks = is_terminal() and not yes and not dry_run
    task = Task(condition=condition, failures=not where, dry_run=dry_run, asks=asks)
    with_store(database, lambda store: run(store, task, workers))
    print_end(task)
    if task.tally.problems:
        raise typer.Exit(1)


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def conditions(typed: Sequence[str]) -> dict[str, Any]:
    """The filter that FIELD=VALUE options mean; a part of a field is named with a dot.

    Raises:
        typer.BadParameter: no such field, or a value that is not of its type.

    """
    condition: dict[str, Any] = {}
    for each in typed:
        name, separator, value = each.partition("=")
        if not separator or name.partition(".")[0] not in READER_FIELDS or "$" in name:
            raise typer.BadParameter(
                f"{each!r} is not FIELD=VALUE; the fields are {' '.join(READER_FIELDS)}", param_hint="--where"
            )
        condition[name] = value_of(name, value)
    return condition


def value_of(name: str, typed: str) -> str | int:
    """A value as the archive has it: a number where the field is one."""
    kinds = rules()[name].get("bsonType", "string") if name in rules() else "string"
    if "date" in kinds:
        raise typer.BadParameter(f"{name} is a time, and times are never equal", param_hint="--where")
    if "int" not in kinds:
        return typed
    try:
        return int(typed)
    except ValueError:
        raise typer.BadParameter(f"{name} is a number, and {typed!r} is not", param_hint="--where") from None


# ---- Going through ---------------------------------------------------------------------------------------


async def run(store: Store, task: Task, workers: int | None) -> None:
    """Go through all batches, from where an earlier run of the same was stopped."""
    start = "" if task.dry_run else await start_of(store, task)
    async with job.ReparserPool(workers) as readers:
        is_complete = await reparse_all(store, task, readers, start)
    if is_complete and not task.dry_run:
        await store.consumer.forget(task.name)


async def reparse_all(store: Store, task: Task, readers: job.ReparserPool, start: str) -> bool:
    """Go through all batches after `start`; each is written before the next one is. False if the user declines."""
    with progress(await store.count(task.condition)) as bar:
        async for batch in ahead(store.segments(task.condition, start, failures=task.failures)):
            parsed_at = datetime.now(UTC)
            results = await readers.read(batch.pages, parsed_at)
            show_examples(task.tally, results)
            count(task.tally, batch, results)
            bar.advance(bar.task_ids[0], len(results) + batch.pageless)
            if task.dry_run:
                continue
            if any(result.touched or result.is_new for result in results):
                if task.asks and not await confirmed(task, bar):
                    return False
                outcomes = await job.write(store, results, parsed_at)
                task.tally.outcomes.update(map(str, outcomes))
            await store.consumer.record(task.name, {"after": batch.after})
    return True


def count(tally: Tally, batch: ReparseBatch, results: Sequence[ReparseResult]) -> None:
    """Count what a batch gave."""
    tally.pageless += batch.pageless
    for result in results:
        tally.add(result)


async def start_of(store: Store, task: Task) -> str:
    """Where an earlier run of the same was stopped; the beginning when there was none."""
    record = await store.consumer.load(task.name)
    if record is None:
        return ""
    err.print(f"rfispider: continuing where it was stopped at {record['at']:%Y-%m-%d %H:%M} UTC")
    return str(record["after"])


async def confirmed(task: Task, bar: Progress) -> bool:
    """Ask whether what was shown may be written; once for all that follows, if so answered."""
    bar.stop()
    print_summary(task.tally)
    answer = await ask("Write this? (y)es and ask again, (a)ll that follows too, (n)o and stop [n]:")
    task.asks = not answer.lower().startswith("a")
    bar.start()
    return answer.lower()[:1] in {"y", "a"}


# ---- What a person sees ----------------------------------------------------------------------------------


def show_examples(tally: Tally, results: Sequence[ReparseResult]) -> None:
    """Show the first differences of each field."""
    shown = tally.fields.copy()
    for result in results:
        if not (result.kept.stored and result.decision):
            continue
        before, after = result.kept.stored.article, result.decision.state.article
        for name in result.fields:
            shown[name] += 1
            if shown[name] <= EXAMPLES:
                old, new = differing(one_line(getattr(before, name)), one_line(getattr(after, name)))
                out.print(f"[bold]{name}[/]  {escape(readable_urls(before.url))}", soft_wrap=True)
                out.print(f"  [red]- {escape(old)}[/]\n  [green]+ {escape(new)}[/]", soft_wrap=True)


def one_line(value: object) -> str:
    """A value in one line."""
    if isinstance(value, list):
        return ", ".join(str(getattr(each, "url", each)) for each in value)
    return "-" if value is None or value == "" else " ".join(str(value).split())


def differing(old: str, new: str) -> tuple[str, str]:
    """Two texts around the place where they begin to differ.

    >>> differing("a port", "a harbour")
    ('a port', 'a harbour')
    """
    place = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, place - AROUND)
    cut = "..." if start else ""
    return cut + old[start : place + AROUND], cut + new[start : place + AROUND]


def print_summary(tally: Tally) -> None:
    """Print how many articles differ in each field."""
    table = titled(f"{tally.changed} of {counted(tally.pages, 'page')} read differently", "field")
    table.add_column("articles", justify="right")
    table.add_column("seen by a reader")
    for name, number in tally.fields.most_common():
        table.add_row(name, str(number), "yes: a revision")
    for name, number in tally.quiet.most_common():
        table.add_row(name, str(number), "no")
    if table.row_count:
        out.print(table)


def print_end(task: Task) -> None:
    """Print how it ended."""
    tally = task.tally
    print_summary(tally)
    for problem, number in tally.problems.most_common():
        pages = counted(number, "page")
        err.print(f"rfispider: {pages} that gave an article could not be read: {escape(problem)}")
    counts = [f"{counted(tally.pages, 'page')} read", counted(tally.changed, "change")]
    if tally.new:
        counts.append(counted(tally.new, "new article"))
    if tally.pageless:
        counts.append(f"{counted(tally.pageless, 'article')} without a kept page")
    written = ", ".join(f"{number} {name}" for name, number in tally.outcomes.items()) or "nothing"
    ending = "nothing written: a dry run" if task.dry_run else f"written: {written}"
    out.print(f"{', '.join(counts)}; {ending}")


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """A progress bar on a terminal."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.speed:.0f}/s"), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        bar.add_task("", total=total)
        yield bar

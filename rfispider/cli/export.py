"""`rfispider export`: the archive, or a part of it, as a file."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, err, with_store
from rfispider.jobs import export as files
from rfispider.jobs.export import Format, MissingExtra, OutputError
from rfispider.jobs.export.run import STDOUT, Order, write
from rfispider.storage import FIELDS, VALIDITY, Selection

COMPRESSIONS = {
    Format.JSONL: {"", ".gz", ".zst"},
    Format.CSV: {"", ".gz", ".zst"},
    Format.PARQUET: {""},
    Format.WARC: {"", ".gz"},
}
"""Suffixes that a file of a format may have."""


def export(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="File to write; - is standard output.")
    ] = STDOUT,
    format_: Annotated[
        Format | None, typer.Option("--format", "-f", help="Format; else what the suffix of FILE tells, else jsonl.")
    ] = None,
    edition: options.Edition = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Published then or later (UTC); WARC: fetched.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Published before that; of a day, until its end.")
    ] = None,
    fields: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Only these fields, in this order; else all but internal ones."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="The archive as it was at that time.")
    ] = None,
    since_last: Annotated[
        bool, typer.Option("--since-last", help="Only what is new or changed since the last such export.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Remember in MongoDB how far this export came, for --since-last."),
    ] = None,
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Write articles to a file, or the raw pages they were read from to a WARC.

    The file appears under its name when it is complete, together with FILE.manifest.json, which tells the number of
    articles, the query and the SHA-256. It is compressed when the name ends in .gz or .zst.

    --since-last goes on where the export of the same NAME, else the one whose manifest stands beside FILE, ended: no
    article is missed between two exports, whatever was being written at the time; one may come twice.

    For example:

      rfispider export -o articles.jsonl.gz
      rfispider export -o march.csv -e cn,tw --since 2026-03-01 --until 2026-03-31 --fields url,title,published_at
      rfispider export -o archive.parquet --as-of 2026-01-01
      rfispider export -o $(date +%F).jsonl --since-last --name newsroom
      rfispider export -f jsonl -e fr | jq .title
    """
    at = options.moment(as_of, "--as-of")
    shape = format_ or files.of_name(output.name) or Format.JSONL
    wanted = Selection(
        editions=options.editions(edition),
        since=options.moment(since, "--since"),
        until=options.moment(until, "--until", whole_day=True),
        fields=options.fields(fields, (*FIELDS, *VALIDITY) if at else FIELDS),
    )
    order = Order(
        format=shape,
        output=output,
        wanted=wanted,
        at=at,
        since_last=since_last,
        name=name,
        warn=lambda message: err.print(f"rfispider: {escape(message)}"),
        progress=progress_bar,
    )
    check(order, is_of_fields=fields is not None)
    order.query = query(order)
    with told_in_a_line(output):
        with_store(database, lambda store: write(store, order))


def check(order: Order, *, is_of_fields: bool) -> None:
    """Refuse what does not go together.

    Raises:
        typer.BadParameter: it names the option.

    """
    suffix = files.compression(order.output.name)
    wrong = {
        "--since": order.wanted.since and order.wanted.until and order.wanted.since >= order.wanted.until,
        "--as-of": order.at and (order.since_last or order.format is Format.WARC or order.at > datetime.now(UTC)),
        "--fields": is_of_fields and order.format is Format.WARC,
        "--since-last": order.since_last and order.output == STDOUT and not order.name,
        "--output": suffix not in COMPRESSIONS[order.format],
    }
    for option, is_wrong in wrong.items():
        if is_wrong:
            raise typer.BadParameter(REFUSALS[option], param_hint=option)


REFUSALS = {
    "--since": "it is not before --until",
    "--as-of": "a time in the past, without --since-last, and not of a WARC, which holds pages as they were fetched",
    "--fields": "a WARC holds whole pages",
    "--since-last": "standard output has no manifest: give a --name",
    "--output": "Parquet compresses itself, and a WARC is compressed as .gz only",
}


def query(order: Order) -> dict[str, Any]:
    """What was asked for, as the manifest tells it."""
    times = {"since": order.wanted.since, "until": order.wanted.until, "as_of": order.at}
    told = {name: at.isoformat() if at else None for name, at in times.items()}
    return {"editions": list(order.wanted.editions), **told, "since_last": order.since_last}


@contextmanager
def told_in_a_line(output: Path) -> Iterator[None]:
    """Known faults are one line on stderr and exit status 1; who stops reading a pipe ends it without a word."""
    try:
        yield
    except BrokenPipeError:
        sys.stdout = None  # nothing is left to flush at the exit
        raise typer.Exit(1) from None
    except (OutputError, MissingExtra) as error:
        err.print(f"rfispider: {escape(str(error))}")
        raise typer.Exit(1) from error
    except OSError as error:
        err.print(f"rfispider: {escape(str(output))} cannot be written: {error.strerror or error}")
        raise typer.Exit(1) from error


@contextmanager
def progress_bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal; gives what is told how many are done."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.speed:.0f}/s"), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda done: shown.update(task, completed=done)

"""`rfispider export`: the archive, or a part of it, as a file."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, abandon_output, err, fail, with_store
from rfispider.jobs import export as files
from rfispider.jobs.export import Format, MissingExtra, OutputError
from rfispider.jobs.export.run import STDOUT, ExportRequest, ResumeError, write
from rfispider.storage import READER_FIELDS, VALIDITY, Selection

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
        Format | None, typer.Option("--format", "-f", help="Format; else that of the suffix of FILE, else jsonl.")
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

    The file appears under its name when it is complete, together with FILE.manifest.json, which states the number of
    articles, the query and the SHA-256. It is compressed when the name ends in .gz or .zst.

    --since-last continues where the export of the same NAME ended, else the one whose manifest stands beside FILE: no
    article is missed between two exports, whatever was being written at the time; one may come twice.

    For example:

      rfispider export -o articles.jsonl.gz
      rfispider export -o march.csv -e cn,tw --since 2026-03-01 --until 2026-03-31 --fields url,title,published_at
      rfispider export -o archive.parquet --as-of 2026-01-01
      rfispider export -o $(date +%F).jsonl --since-last --name newsroom
      rfispider export -f jsonl -e fr | jq .title
    """
    at = options.moment(as_of, "--as-of")
    request = ExportRequest(
        format=format_ or files.of_name(output.name) or Format.JSONL,
        output=output,
        selection=Selection(
            editions=options.editions(edition),
            since=options.moment(since, "--since"),
            until=options.moment(until, "--until", whole_day=True),
            fields=options.fields(fields, (*READER_FIELDS, *VALIDITY) if at else READER_FIELDS),
        ),
        at=at,
        since_last=since_last,
        name=name,
    )
    check(request, has_fields=fields is not None)
    with faults_in_a_line(output):
        with_store(database, lambda store: write(store, request, ConsoleReporter()))


# ---- What does not go together ---------------------------------------------------------------------------


def check(request: ExportRequest, *, has_fields: bool) -> None:
    """Refuse options that do not go together; `has_fields`: the fields to export were chosen.

    Raises:
        typer.BadParameter: it names the option.

    """
    for option, (is_wrong, message) in RULES.items():
        if is_wrong(request):
            raise typer.BadParameter(message, param_hint=option)
    if has_fields and request.is_of_pages:
        raise typer.BadParameter("a WARC holds whole pages", param_hint="--fields")


def _is_empty_period(request: ExportRequest) -> bool:
    since, until = request.selection.since, request.selection.until
    return since is not None and until is not None and since >= until


def _has_no_past(request: ExportRequest) -> bool:
    """Whether it asks for a past state of what has none: the future, what is new, pages."""
    if request.at is None:
        return False
    return request.since_last or request.is_of_pages or request.at > datetime.now(UTC)


def _has_no_last(request: ExportRequest) -> bool:
    """Whether nothing could say where the last export ended."""
    return request.since_last and request.output == STDOUT and not request.name


def _is_wrongly_compressed(request: ExportRequest) -> bool:
    return files.compression(request.output.name) not in COMPRESSIONS[request.format]


RULES: Mapping[str, tuple[Callable[[ExportRequest], bool], str]] = {
    "--since": (_is_empty_period, "it is not before --until"),
    "--as-of": (
        _has_no_past,
        "a time in the past, without --since-last, and not of a WARC, which holds pages as they were fetched",
    ),
    "--since-last": (_has_no_last, "standard output has no manifest: give a --name"),
    "--output": (_is_wrongly_compressed, "Parquet compresses itself, and a WARC can only be compressed as .gz"),
}
"""Option -> whether a request is one that it refuses, and what it would accept."""


# ---- What a person sees ----------------------------------------------------------------------------------


@contextmanager
def faults_in_a_line(output: Path) -> Iterator[None]:
    """Known faults are one line on stderr and exit status 1; who stops reading a pipe ends it without a word."""
    try:
        yield
    except ResumeError as error:
        raise typer.BadParameter(str(error), param_hint="--since-last") from error
    except BrokenPipeError:
        abandon_output()
        raise typer.Exit(1) from None
    except (OutputError, MissingExtra) as error:
        fail(str(error))
    except OSError as error:
        abandon_output()
        name = "standard output" if output == STDOUT else str(output)
        fail(f"{name} cannot be written: {error.strerror or error}")


class ConsoleReporter:
    """Warnings as lines on stderr, and a progress bar when that is a terminal."""

    def warn(self, message: str) -> None:
        """Print a line that a person should read."""
        err.print(f"rfispider: {escape(message)}")

    @contextmanager
    def progress(self, total: int | None) -> Iterator[Callable[[int], None]]:
        """A bar for the length of the block; gives the function that takes how many are done."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.speed:.0f}/s"), TimeRemainingColumn())
        with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda done: bar.update(task, completed=done)

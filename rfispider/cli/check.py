"""`rfispider check`: whether the archive is whole."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli.console import Database, err, out, print_json, titled, with_both
from rfispider.frontier import Frontier
from rfispider.jobs.check import CheckResult
from rfispider.jobs.check import check as check_archive
from rfispider.storage import Store
from rfispider.text import readable_urls

PROGRESS_S = 15.0
"""Between two lines of progress, in seconds."""


def check(
    database: Database = settings.MONGO_DATABASE,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without losing anything.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look at every document of the archive and of the frontier, and say what is not as it must be.

    Keys and aliases name one article each, contents have the hash and the identity that belong to them, histories have
    no hole, kept pages can be read, and what the frontier takes for stored is in the archive. With --repair, aliases
    that are articles of their own are taken out, and articles that are missing are fetched again by the next crawl.
    May run beside crawls.

    Exit status 0 when the archive is whole, or is after the repair; 1 when it is not.
    """

    async def run(store: Store, frontier: Frontier) -> CheckResult:
        with progress(await store.integrity.count()) as note:
            return await check_archive(store, frontier, repair=repair, note=note)

    result = with_both(database, run)
    if as_json:
        print_json(as_document(result))
    else:
        show(result)
    if not result.is_whole:
        raise typer.Exit(1)


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None]]:
    """Gives what is called with how many documents were looked at; a line now and then says how many in all."""
    done, said_at = 0, time.monotonic()

    def note(documents: int) -> None:
        nonlocal done, said_at
        done += documents
        if time.monotonic() - said_at >= PROGRESS_S:
            said_at = time.monotonic()
            err.print(f"rfispider check: {done:,} of about {total:,} documents")

    yield note


def show(result: CheckResult) -> None:
    """Print what was found, and what became of it."""
    if result.flaws:
        table = titled("Flaws", "check", "what", "why")
        for flaw in result.flaws:
            table.add_row(flaw.check, escape(readable_urls(flaw.subject)), escape(flaw.message))
        out.print(table)
    out.print(f"{result.documents:,} documents: {verdict(sum(result.counts.values()), result.mended)}")


def verdict(flaws: int, mended: int) -> str:
    """What a check came to, in words.

    >>> verdict(0, 0), verdict(1, 1), verdict(3, 1)
    ('the archive is whole', '1 flaw, mended', '3 flaws, 1 of them mended')
    """
    if not flaws:
        return "the archive is whole"
    counted = f"{flaws:,} flaw{'s' if flaws > 1 else ''}"
    if not mended:
        return counted
    return f"{counted}, {'mended' if mended == flaws else f'{mended:,} of them mended'}"


def as_document(result: CheckResult) -> dict[str, Any]:
    """The same for programs."""
    return {
        "whole": result.is_whole,
        "documents": result.documents,
        "counts": dict(result.counts),
        "mended": result.mended,
        "flaws": [asdict(flaw) for flaw in result.flaws],
    }

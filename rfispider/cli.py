"""`rfispider`: what people do besides crawling."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rfispider import __version__, settings, urls
from rfispider.mongod import Embedded, MongodError
from rfispider.store import Report, Store, StoreError

app = typer.Typer(
    no_args_is_help=True,
    help="Look into the archive that `scrapy crawl rfi` fills.",
    epilog="MONGO_URI names the server; without it the embedded MongoDB under RFI_DATA is used.",
    pretty_exceptions_enable=False,
)
mongo = typer.Typer(no_args_is_help=True, help="The embedded MongoDB: a real server, for this machine only.")
app.add_typer(mongo, name="mongo")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Answer = TypeVar("Answer")
Database = Annotated[str, typer.Option(envvar="MONGO_DATABASE", help="Database of the archive.")]
COMPLETENESS = (
    "lead",
    "text",
    "authors",
    "agency",
    "tags",
    "published_at",
    "modified_at",
    "images",
    "audio",
    "related",
)


def main() -> None:
    """Run a command; a known fault is one line on stderr and exit status 1."""
    try:
        app()
    except (MongodError, StoreError) as error:
        err.print(f"rfispider: {escape(str(error))}")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:  # noqa: FBT002 - a flag of the command line
    """Say which version this is, if asked."""
    if version:
        out.print(f"rfispider {__version__}")
        raise typer.Exit


# ---- the archive -----------------------------------------------------------------------------------------


def ask(database: str, question: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Open the archive, ask it one thing, close it."""

    async def asked() -> Answer:
        uri = settings.MONGO_URI or await asyncio.to_thread(embedded().up)
        async with await Store.open(uri, database) as store:
            return await question(store)

    return asyncio.run(asked())


@app.command()
def show(
    url: Annotated[str, typer.Argument(help="Any form of the article's URL, or its 32-digit key.")],
    database: Database = settings.MONGO_DATABASE,
    as_json: Annotated[bool, typer.Option("--json", help="The whole document, for programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Show one article. Exit status 1 when the archive does not have it."""
    document = ask(database, lambda store: find(store, url))
    if document is None:
        err.print(f"rfispider: the archive has no article {escape(url)}")
        raise typer.Exit(1)
    if as_json:
        out.print_json(json.dumps(document, default=plain, ensure_ascii=False))
    else:
        print_article(document)


async def find(store: Store, url: str) -> dict[str, Any] | None:
    """The document that goes by a URL, in whatever form, or by a key."""
    canonical = urls.canonical(url)
    return await store.article(url) or await store.article(urls.key(url)) or await store.aliased(canonical)


@app.command()
def report(database: Database = settings.MONGO_DATABASE) -> None:
    """Articles by edition and section, what the last runs did, how complete the fields are."""
    told = ask(database, lambda store: store.report())
    if not told.articles:
        out.print(f"The database {escape(database)} holds no article yet: `scrapy crawl rfi` fills it.")
    for table in (sections_table(told), completeness_table(told), runs_table(told)):
        if table.row_count and told.articles:
            out.print(table)


def print_article(document: Mapping[str, Any]) -> None:
    """Print an article as a person reads it."""
    out.print(f"[bold]{escape(document['title'])}[/]")
    for name in ("url", "published_at", "modified_at", "section", "programme", "agency", "credits"):
        if document.get(name):
            out.print(f"[dim]{name:13}[/]{escape(text_of(document[name]))}", soft_wrap=True)
    for name in ("authors", "tags"):
        if document.get(name):
            out.print(f"[dim]{name:13}[/]{escape(', '.join(document[name]))}")
    out.print(f"[dim]{'stored':13}[/]{document['status']}, revision {document['revision']}, from {document['origin']}")
    for paragraph in filter(None, (document.get("lead"), document.get("text"))):
        out.print(f"\n{escape(paragraph)}")
    for related in document.get("related") or ():
        out.print(f"[dim]related[/]  {escape(related['title'])}\n         {related['url']}", soft_wrap=True)


def sections_table(told: Report) -> Table:
    """Articles by edition and section."""
    table = titled(f"{told.articles} articles", "edition", "section")
    table.add_column("articles", justify="right")
    table.add_column("newest (UTC)")
    for count in told.sections:
        table.add_row(count.edition, escape(count.section or "-"), str(count.articles), text_of(count.newest))
    return table


def completeness_table(told: Report) -> Table:
    """How many of the newest articles of each edition have a field."""
    table = titled("Per cent of the newest articles that have the field", "field")
    for row in told.completeness:
        table.add_column(row.edition, justify="right")
    table.add_row("(of)", *(str(row.sampled) for row in told.completeness))
    for name in COMPLETENESS:
        table.add_row(name, *(f"{100 * row.filled[name] / row.sampled:.0f}" for row in told.completeness if row.sampled))
    return table


def runs_table(told: Report) -> Table:
    """What the last runs did."""
    table = titled("Last runs", "started (UTC)", "ended", "outcomes")
    for run in told.runs:
        outcomes = ", ".join(f"{count} {name}" for name, count in (run.get("outcomes") or {}).items())
        ended = run.get("problem") or run.get("reason") or "running, or killed"
        table.add_row(text_of(run["started_at"]), escape(ended), outcomes)
    return table


def titled(title: str, *columns: str) -> Table:
    """An empty table, narrow enough for a terminal of 80 characters."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def text_of(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "-" if value is None else str(value)


def plain(value: object) -> str:
    """A value that JSON lacks: times in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


# ---- the embedded server ---------------------------------------------------------------------------------


def embedded() -> Embedded:
    """The embedded server of this directory."""
    return Embedded(Path(settings.RFI_DATA))


@mongo.command()
def up() -> None:
    """Start the embedded MongoDB unless it runs, and print its URI."""
    typer.echo(embedded().up())


@mongo.command()
def status() -> None:
    """Say whether it runs, where, and where its data lie. Exit status 1 when it does not run."""
    state = embedded().status()
    running = f"running, process {state.pid}, {state.uri}" if state.uri else "not running"
    typer.echo(f"{running}\ndata {state.data}\nlog  {state.log}")
    if not state.uri:
        raise typer.Exit(1)


@mongo.command()
def uri() -> None:
    """Print the URI of the running server, for other programs. Exit status 1 when it does not run."""
    state = embedded().status()
    if not state.uri:
        err.print("rfispider: the embedded MongoDB does not run; `rfispider mongo up` starts it")
        raise typer.Exit(1)
    typer.echo(state.uri)


@mongo.command()
def down() -> None:
    """Stop the embedded MongoDB; its data stay."""
    embedded().down()

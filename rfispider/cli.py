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
from rfispider.frontier import Count, Frontier, Holder
from rfispider.mongod import Embedded, MongodError
from rfispider.mongod import uri as mongod_uri
from rfispider.revisit import State
from rfispider.store import Report, Store, StoreError, explained
from rfispider.website import EDITIONS

app = typer.Typer(
    no_args_is_help=True,
    help="Look into the archive that `scrapy crawl rfi` fills.",
    epilog="MONGO_URI names the server; without it the embedded MongoDB under RFI_DATA is used.",
    pretty_exceptions_enable=False,
)
mongo = typer.Typer(no_args_is_help=True, help="The embedded MongoDB: a real server, for this machine only.")
frontier = typer.Typer(help="What is to be fetched, when, and by whom.")
app.add_typer(frontier, name="frontier")
app.add_typer(mongo, name="mongo")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Answer = TypeVar("Answer")
Database = Annotated[str, typer.Option(envvar="MONGO_DATABASE", help="Database of the archive.")]
EVERYWHERE = (*EDITIONS, None)
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
        uri = await asyncio.to_thread(mongod_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
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
        table.add_row(
            name, *(f"{100 * row.filled[name] / row.sampled:.0f}" for row in told.completeness if row.sampled)
        )
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


# ---- the frontier ----------------------------------------------------------------------------------------


def survey(database: str, question: Callable[[Frontier], Awaitable[Answer]]) -> Answer:
    """Open the frontier, ask it one thing, close it."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(mongod_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        with explained("reading the frontier", uri):
            async with await Frontier.open(uri, database) as found:
                return await question(found)

    return asyncio.run(asked())


@frontier.callback(invoke_without_command=True)
def counts(context: typer.Context, database: Database = settings.MONGO_DATABASE) -> None:
    """How many URLs stand where, who holds leases, what has been due the longest."""
    if context.invoked_subcommand:
        return
    counted, holders, oldest = survey(database, stand)
    if not counted:
        out.print(f"The frontier of {escape(database)} is empty: `scrapy crawl rfi` fills it.")
        return
    out.print(counts_table(counted))
    for holder in holders:
        out.print(f"leased   {holder.urls} URLs by {escape(holder.worker)} until {holder.until:%H:%M:%S} UTC")
    if oldest:
        out.print(f"due      since {text_of(oldest['due_at'])} UTC  {oldest['url']}", soft_wrap=True)


async def stand(found: Frontier) -> tuple[list[Count], list[Holder], dict[str, Any] | None]:
    """Counts, holders of leases, and what has been due the longest."""
    census = found.census
    return await census.counts(), await census.holders(), await census.oldest_due(EVERYWHERE)


def counts_table(counted: list[Count]) -> Table:
    """URLs by edition and kind, a column for each state."""
    rows: dict[tuple[str, str], dict[State, int]] = {}
    for count in counted:
        rows.setdefault((count.edition or "-", count.kind), {})[count.state] = count.urls
    table = titled("URLs of the frontier", "edition", "kind")
    for state in State:
        table.add_column(state.value, justify="right")
    for (edition, kind), states in sorted(rows.items()):
        table.add_row(edition, kind, *(str(states.get(state, "")) for state in State))
    return table


@frontier.command()
def retry(
    url: Annotated[str, typer.Argument(help="Only this one; without it, all that failed.")] = "",
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Make failed URLs due now, with every chance they had at first. A URL that is gone has to be named."""
    number = survey(database, lambda found: found.census.retry(EVERYWHERE, url or None))
    out.print(f"{number} URLs are due again")


@frontier.command()
def failed(database: Database = settings.MONGO_DATABASE) -> None:
    """List URLs whose last visit failed, and why."""
    for document in survey(database, lambda found: found.census.failed(EVERYWHERE)):
        last = document.get("last", {})
        out.print(f"{text_of(document.get('due_at'))}  {escape(text_of(last.get('error')))}", soft_wrap=True)
        out.print(f"                  {document['url']}", soft_wrap=True)


@frontier.command()
def why(
    url: Annotated[str, typer.Argument(help="Any form of the URL.")], database: Database = settings.MONGO_DATABASE
) -> None:
    """Show all that the frontier knows of one URL. Exit status 1 when it never heard of it."""
    document = survey(database, lambda found: found.census.why(url))
    if document is None:
        err.print(f"rfispider: the frontier never heard of {escape(url)}")
        raise typer.Exit(1)
    out.print_json(json.dumps(document, default=plain, ensure_ascii=False))


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

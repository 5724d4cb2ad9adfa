"""`rfispider frontier`: what is to be fetched, when, and by whom."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings
from rfispider.cli.console import Database, err, out, plain, text_of, titled, with_frontier
from rfispider.frontier import Count, Frontier, Holder
from rfispider.frontier.policy.revisit import State
from rfispider.site.editions import EDITIONS

app = typer.Typer(help="What is to be fetched, when, and by whom.")

EVERYWHERE = (*EDITIONS, None)


@app.callback(invoke_without_command=True)
def counts(context: typer.Context, database: Database = settings.MONGO_DATABASE) -> None:
    """How many URLs stand where, who holds leases, what has been due the longest."""
    if context.invoked_subcommand:
        return
    counted, holders, oldest = with_frontier(database, stand)
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
    statistics = found.statistics
    return await statistics.counts(), await statistics.holders(), await statistics.oldest_due(EVERYWHERE)


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


@app.command()
def retry(
    url: Annotated[str, typer.Argument(help="Only this one; without it, all that failed.")] = "",
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Make failed URLs due now, with every chance they had at first. A URL that is gone has to be named."""
    number = with_frontier(database, lambda found: found.statistics.retry(EVERYWHERE, url or None))
    out.print(f"{number} URLs are due again")


@app.command()
def failed(database: Database = settings.MONGO_DATABASE) -> None:
    """List URLs whose last visit failed, and why."""
    for document in with_frontier(database, lambda found: found.statistics.failed(EVERYWHERE)):
        last = document.get("last", {})
        out.print(f"{text_of(document.get('due_at'))}  {escape(text_of(last.get('error')))}", soft_wrap=True)
        out.print(f"                  {document['url']}", soft_wrap=True)


@app.command()
def why(
    url: Annotated[str, typer.Argument(help="Any form of the URL.")], database: Database = settings.MONGO_DATABASE
) -> None:
    """Show all that the frontier knows of one URL. Exit status 1 when it never heard of it."""
    document = with_frontier(database, lambda found: found.statistics.why(url))
    if document is None:
        err.print(f"rfispider: the frontier never heard of {escape(url)}")
        raise typer.Exit(1)
    out.print_json(json.dumps(document, default=plain, ensure_ascii=False))

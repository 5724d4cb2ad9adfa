"""`rfispider frontier`: what is to be fetched, when, and by whom."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings
from rfispider.cli.console import Database, counted, fail, out, print_json, text_of, titled, with_frontier
from rfispider.frontier import Count, Frontier, Holder
from rfispider.frontier.policy.revisit import State
from rfispider.site.editions import EDITIONS
from rfispider.text import readable_urls

app = typer.Typer(help="What is to be fetched, when, and by whom.")

EVERYWHERE = (*EDITIONS, None)


@app.callback(invoke_without_command=True)
def counts(context: typer.Context, database: Database = settings.MONGO_DATABASE) -> None:
    """Count URLs by state, and show who holds leases and what has been due the longest."""
    if context.invoked_subcommand:
        return
    url_counts, holders, oldest = with_frontier(database, summary)
    if not url_counts:
        out.print(f"The frontier of {escape(database)} is empty: `scrapy crawl rfi` fills it.")
        return
    out.print(counts_table(url_counts))
    for holder in holders:
        out.print(
            f"leased   {counted(holder.urls, 'URL')} by {escape(holder.worker)} until {holder.until:%H:%M:%S} UTC"
        )
    if oldest:
        url = escape(readable_urls(oldest["url"]))
        out.print(f"due      since {text_of(oldest['due_at'])} UTC  {url}", soft_wrap=True)


async def summary(frontier: Frontier) -> tuple[list[Count], list[Holder], dict[str, Any] | None]:
    """Counts, holders of leases, and what has been due the longest."""
    statistics = frontier.statistics
    return await statistics.counts(), await statistics.holders(), await statistics.oldest_due(EVERYWHERE)


def counts_table(url_counts: list[Count]) -> Table:
    """URLs by edition and kind, a column for each state."""
    rows: dict[tuple[str, str], dict[State, int]] = {}
    for count in url_counts:
        rows.setdefault((count.edition or "-", count.kind), {})[count.state] = count.urls
    table = titled("URLs of the frontier", "edition", "kind")
    for state in State:
        table.add_column(state.value, justify="right")
    for (edition, kind), states in sorted(rows.items()):
        table.add_row(edition, kind, *(str(states.get(state, "")) for state in State))
    return table


@app.command()
def retry(
    url: Annotated[str, typer.Argument(help="Only this URL; without it, all that failed.")] = "",
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Make failed URLs due now, with as many attempts as a new one has. A URL that is gone has to be named."""
    number = with_frontier(database, lambda frontier: frontier.statistics.retry(EVERYWHERE, url or None))
    out.print(f"{counted(number, 'URL')} {'is' if number == 1 else 'are'} due again")


@app.command()
def failed(database: Database = settings.MONGO_DATABASE) -> None:
    """List URLs whose last visit failed, and why."""
    for document in with_frontier(database, lambda frontier: frontier.statistics.failed(EVERYWHERE)):
        last = document.get("last", {})
        out.print(f"{text_of(document.get('due_at'))}  {escape(text_of(last.get('error')))}", soft_wrap=True)
        out.print(f"                  {escape(readable_urls(document['url']))}", soft_wrap=True)


@app.command()
def why(
    url: Annotated[str, typer.Argument(help="Any form of the URL.")], database: Database = settings.MONGO_DATABASE
) -> None:
    """Show all that the frontier knows of one URL. Exit status 1 when it does not know the URL."""
    document = with_frontier(database, lambda frontier: frontier.statistics.find(url))
    if document is None:
        fail(f"the frontier has never heard of {readable_urls(url)}")
    print_json(document)

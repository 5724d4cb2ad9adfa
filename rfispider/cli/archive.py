"""`rfispider show` and `rfispider report`: one article, and the state of the archive."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings, urls
from rfispider.cli.console import Database, ask, err, out, plain, text_of, titled
from rfispider.store import Report, Store

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

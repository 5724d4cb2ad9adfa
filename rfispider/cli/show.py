"""`rfispider show` and `rfispider report`: one article, and the state of the archive."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from difflib import unified_diff
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, err, out, plain, text_of, titled, with_store
from rfispider.monitoring.health import alive, sign_of_life
from rfispider.site import urls
from rfispider.storage import Report, Store

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

PROSE = frozenset({"lead", "text"})
"""Fields whose changes are told paragraph by paragraph."""
LINE = 160
"""Characters of a changed paragraph that are shown."""


def show(
    url: Annotated[str, typer.Argument(help="Any form of the article's URL, or its 32-digit key.")],
    database: Database = settings.MONGO_DATABASE,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="As it was then: an ISO day or time, UTC unless it says else.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Its revisions, with what each changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole document, for programs.")] = False,
) -> None:
    """Show one article. Exit status 1 when the archive does not have it, or did not yet."""
    if history and as_of:
        raise typer.BadParameter("--history tells of all times: it does not go with --as-of")
    at = options.moment(as_of, "--as-of")
    states = with_store(database, lambda store: read(store, url, at, whole=history))
    if not states:
        then = f" as of {text_of(at)} UTC" if at else ""
        err.print(f"rfispider: the archive has no article {escape(url)}{then}")
        raise typer.Exit(1)
    if as_json:
        out.print_json(json.dumps(states if history else states[-1], default=plain, ensure_ascii=False))
    elif history:
        print_history(states)
    else:
        print_article(states[-1])


async def read(store: Store, url: str, at: datetime | None, *, whole: bool) -> list[dict[str, Any]]:
    """The present state of an article, or that of a time, or all states; nothing when there is none."""
    present = await find(store, url)
    if present is None:
        return []
    if at:
        state = await store.as_of(present["_id"], at)
        return [state] if state else []
    return [*(await store.history(present["_id"]) if whole else ()), present]


async def find(store: Store, url: str) -> dict[str, Any] | None:
    """The document that goes by a URL, in whatever form, or by a key."""
    canonical = urls.canonical(url)
    return await store.article(url) or await store.article(urls.key(url)) or await store.aliased(canonical)


def report(
    database: Database = settings.MONGO_DATABASE,
    html: Annotated[Path | None, typer.Option(help="Write a page for people to this file instead.")] = None,
) -> None:
    """Articles by edition and section, what the last runs did, how complete the fields are."""
    if html:
        write_page(database, html)
        return
    told = with_store(database, lambda store: store.report())
    if not told.articles:
        out.print(f"The database {escape(database)} holds no article yet: `scrapy crawl rfi` fills it.")
    for table in (sections_table(told), completeness_table(told), runs_table(told)):
        if table.row_count and told.articles:
            out.print(table)


def write_page(database: str, file: Path) -> None:
    """Write the report as a page. Exit status 1 when the file cannot be written."""
    # Late, for what draws is of use to this command alone.
    from rfispider.cli import html_report  # noqa: PLC0415

    try:
        html_report.write(database, file)
    except OSError as error:
        err.print(f"rfispider: {escape(str(error))}")
        raise typer.Exit(1) from error
    out.print(f"{file}", soft_wrap=True)


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


def print_history(states: Sequence[Mapping[str, Any]]) -> None:
    """Print the states of an article, oldest first, with what each changed."""
    first = states[0]
    out.print(f"[bold]{escape(states[-1]['title'])}[/]")
    since = first.get("valid_from") or first["changed_at"]
    out.print(f"\n{text_of(since)} UTC  revision {first['revision']}: {first['status']}, from {first['origin']}")
    for old, new in pairwise(states):
        out.print(f"\n{text_of(old['valid_to'])} UTC  revision {new['revision']}: {', '.join(old['changed'])}")
        for name in old["changed"]:
            for line in difference(name, old.get(name), new.get(name)):
                out.print(f"    {escape(line)}", soft_wrap=True)


def difference(name: str, old: object, new: object) -> list[str]:
    """What became of a field, as lines: a text paragraph by paragraph, anything else before and after."""
    before, after = (str(value or "").split("\n\n") if name in PROSE else [shown(value)] for value in (old, new))
    lines = islice(unified_diff(before, after, n=0, lineterm=""), 2, None)  # after the names of two files
    changes = [f"{line[0]} {line[1:]}" for line in lines if line[0] in "-+" and line[1:]]
    return [line if len(line) <= LINE else f"{line[:LINE]}..." for line in changes]


def shown(value: object) -> str:
    """The value of a field in one line."""
    if isinstance(value, list):
        return ", ".join(each.get("url", "") if isinstance(each, dict) else str(each) for each in value)
    return text_of(value)


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


def _unended(run: Mapping[str, Any]) -> str:
    """How a run stands whose record tells no end."""
    return "running" if alive([run], datetime.now(UTC)) else f"killed, after {text_of(sign_of_life(run))}"


def runs_table(told: Report) -> Table:
    """What the last runs did."""
    table = titled("Last runs", "started (UTC)", "ended", "outcomes")
    for run in told.runs:
        outcomes = ", ".join(f"{count} {name}" for name, count in (run.get("outcomes") or {}).items())
        ended = run.get("problem") or run.get("reason") or _unended(run)
        table.add_row(text_of(run["started_at"]), escape(ended), outcomes)
    return table

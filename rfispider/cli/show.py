"""`rfispider show`: one article, its revisions, or its state at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import unified_diff
from itertools import islice, pairwise
from typing import Annotated, Any

import typer
from rich.markup import escape

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, fail, out, print_json, text_of, with_store
from rfispider.site import urls
from rfispider.storage import Store
from rfispider.text import readable_urls

PROSE = frozenset({"lead", "text"})
"""Fields whose changes are shown paragraph by paragraph."""
LINE = 160
"""Characters of a changed paragraph that are shown."""


def show(
    *,
    url: Annotated[str, typer.Argument(help="Any form of the article's URL, or its 32-digit key.")],
    database: Database = settings.MONGO_DATABASE,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="As it was then: an ISO day or time, UTC by default."),
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Its revisions, with what each changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole document, for programs.")] = False,
) -> None:
    """Show one article. Exit status 1 when the archive does not have it, or did not yet."""
    if history and as_of:
        raise typer.BadParameter("--history shows all times, so it does not go with --as-of")
    at = options.moment(as_of, "--as-of")
    states = with_store(database, lambda store: read(store, url, at, whole=history))
    if not states:
        then = f" as of {text_of(at)} UTC" if at else ""
        fail(f"the archive has no article {readable_urls(url)}{then}")
    if as_json:
        print_json(states if history else states[-1])
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


def print_article(document: Mapping[str, Any]) -> None:
    """Print an article as a person reads it."""
    out.print(f"[bold]{escape(document['title'])}[/]")
    out.print(f"[dim]{'url':13}[/]{escape(readable_urls(document['url']))}", soft_wrap=True)
    for name in ("published_at", "modified_at", "section", "programme", "agency", "credits"):
        if document.get(name):
            out.print(f"[dim]{name:13}[/]{escape(text_of(document[name]))}", soft_wrap=True)
    for name in ("authors", "tags"):
        if document.get(name):
            out.print(f"[dim]{name:13}[/]{escape(', '.join(document[name]))}")
    out.print(f"[dim]{'stored':13}[/]{document['status']}, revision {document['revision']}, from {document['origin']}")
    for paragraph in filter(None, (document.get("lead"), document.get("text"))):
        out.print(f"\n{escape(paragraph)}")
    for related in document.get("related") or ():
        out.print(f"[dim]related[/]  {escape(related['title'])}", soft_wrap=True)
        out.print(f"         {escape(readable_urls(related['url']))}", soft_wrap=True)


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
        return ", ".join(readable_urls(each.get("url", "")) if isinstance(each, dict) else str(each) for each in value)
    return text_of(value)

"""`rfispider search` and `rfispider tokens`: articles by the words in them."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from rfispider import settings
from rfispider.cli import options
from rfispider.cli.console import Database, fail, json_text, out, text_of, with_store
from rfispider.storage import Hit, SearchRequest, SearchResult
from rfispider.storage.search import Query, highlighted, parse, pipeline
from rfispider.text import readable_urls

WIDTH = 160
"""Characters of an excerpt."""
MARK = "bold yellow"

QueryText = Annotated[str, typer.Argument(metavar="QUERY", help='Words; "a phrase" in double quotes.')]


def search(
    *,
    query: QueryText,
    edition: options.Edition = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Published then or later (UTC).")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Published before that; of a day, until its end.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=options.MAX_ARTICLES, help="At most so many articles.")
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON an article, for programs.")] = False,
    database: Database = settings.MONGO_DATABASE,
) -> None:
    """Articles that hold all the words, in title, lead, text, tags or authors, the best of the newest ones first.

    A word is found as it is written and as a part of longer ones, whatever its case, accents, width of digits, and
    whether it is in simplified or traditional characters. Exit status 1 when there is none.

    For example:

      rfispider search 气候危机 --edition cn --since 2023-11-01
      rfispider search '"union africaine" sommet' -e fr -n 50 --json | jq .url
    """
    request = SearchRequest(
        query=parsed(query),
        editions=options.editions(edition),
        since=options.moment(since, "--since"),
        until=options.moment(until, "--until", whole_day=True),
    )
    result = with_store(database, lambda store: store.search(request, limit))
    for hit in result.hits:
        if as_json:
            typer.echo(json_text(record(hit, request)))
        else:
            print_hit(hit, request)
    if not result.hits:
        fail(f"the archive has no article with {query}")
    if not as_json:
        out.print(f"[dim]{extent(result)}[/]")


def show_tokens(query: QueryText) -> None:
    """Print the aggregation by which any MongoDB client finds the articles of a query, as JSON.

    It is for the collection `search`, gives the documents of `articles`, and wants stages of your own after it:

      db.search.aggregate([...JSON.parse(line), {$match: {edition: "cn"}}, {$sort: {published_at: -1}}])
    """
    parsed(query)
    typer.echo(json_text(pipeline.retrieval(query)))


def parsed(query: str) -> Query:
    """The query as typed.

    Raises:
        typer.BadParameter: there is nothing in it to look for.

    """
    parsed_query = parse(query)
    if not parsed_query.terms:
        raise typer.BadParameter(f"{query!r} holds neither letter nor digit")
    return parsed_query


def record(hit: Hit, request: SearchRequest) -> dict[str, Any]:
    """A hit for programs; `snippet` marks the words found by «guillemets»."""
    named = ("url", "edition", "language", "title", "published_at", "status")
    parts = excerpt(hit, request)
    return {
        "key": hit.article["_id"],
        **{name: hit.article[name] for name in named if name in hit.article},
        "score": round(hit.score, 3),
        "snippet": "".join(f"«{part}»" if match else part for part, match in parts),
    }


def print_hit(hit: Hit, request: SearchRequest) -> None:
    """Print a hit as a person reads it."""
    article = hit.article
    out.print(Text.assemble(*marked(highlighted(request.query, article["title"], WIDTH), "bold")))
    about = (text_of(article.get("published_at")), article["edition"], readable_urls(article["url"]))
    out.print(f"[dim]{escape('  '.join(about))}[/]", soft_wrap=True)
    out.print(Text.assemble(*marked(excerpt(hit, request), "")), "\n")


def excerpt(hit: Hit, request: SearchRequest) -> list[tuple[str, bool]]:
    """A part of the first field beside the title that holds a term, else the beginning."""
    fields = [" ".join(values) for name in ("lead", "text", "tags", "authors") if (values := _values(hit, name))]
    shown = [highlighted(request.query, " ".join(field.split()), WIDTH) for field in fields]
    holding = [parts for parts in shown if any(match for _, match in parts)]
    return next(iter((*holding, *shown)), [])


def _values(hit: Hit, name: str) -> list[str]:
    value = hit.article.get(name) or []
    return [value] if isinstance(value, str) else value


def marked(parts: list[tuple[str, bool]], style: str) -> list[tuple[str, str]]:
    """Parts of a text with their styles."""
    return [(part, MARK if match else style) for part, match in parts]


def extent(result: SearchResult) -> str:
    """How much of what there is was shown."""
    if result.complete:
        return f"{len(result.hits)} of {result.held}"
    return (
        f"{len(result.hits)} shown, the best of the newest {result.held}; there are more: "
        "--limit, --since and --until show others"
    )

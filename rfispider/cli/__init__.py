"""`rfispider`: what people do besides crawling. One module a command, or a group of them."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from rfispider import __version__
from rfispider.cli import (
    audit,
    check,
    export,
    frontier,
    health,
    metrics,
    migrate,
    mongo,
    reextract,
    schedule,
    search,
    show,
    users,
    watch,
)
from rfispider.cli.console import err, out
from rfispider.mongo.errors import EmbeddedServerError
from rfispider.storage import DatabaseError

app = typer.Typer(
    no_args_is_help=True,
    help="Look into the archive that `scrapy crawl rfi` fills.",
    epilog="MONGO_URI names the server; without it the embedded MongoDB under RFI_DATA is used.",
    pretty_exceptions_enable=False,
)
app.command()(show.show)
app.command()(show.report)
app.command()(audit.audit)
app.command()(check.check)
app.command()(migrate.migrate)
app.command()(health.health)
app.command()(metrics.metrics)
app.command()(schedule.schedule)
app.command()(export.export)
app.command()(watch.watch)
app.command()(reextract.reextract)
app.command()(search.search)
app.command("tokens")(search.show_tokens)
app.add_typer(frontier.app, name="frontier")
app.add_typer(mongo.app, name="mongo")
app.add_typer(users.app, name="users")


def main() -> None:
    """Run a command; a known fault is one line on stderr and exit status 1."""
    try:
        app()
    except (EmbeddedServerError, DatabaseError) as error:
        err.print(f"rfispider: {escape(str(error))}")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Say which version this is, if asked."""
    if version:
        out.print(f"rfispider {__version__}")
        raise typer.Exit

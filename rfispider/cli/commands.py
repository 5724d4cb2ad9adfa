"""All commands as one program, and how it ends when something goes wrong."""

from typing import Annotated

import typer

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
    report,
    schedule,
    search,
    show,
    users,
    watch,
)
from rfispider.cli.console import INTERRUPTED, abandon_output, escape_output, fail, out
from rfispider.mongo.errors import DatabaseError

app = typer.Typer(
    no_args_is_help=True,
    help="Look into the archive that `scrapy crawl rfi` fills.",
    epilog="MONGO_URI names the server; without it the embedded MongoDB under RFI_DATA is used.",
    pretty_exceptions_enable=False,
)
app.command()(show.show)
app.command()(report.report)
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
    escape_output()
    try:
        app()
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer's for Ctrl-C, which says nothing
            fail("interrupted", INTERRUPTED)
        raise
    except DatabaseError as error:
        fail(str(error))
    except OSError as error:
        abandon_output()
        fail(f"{error.filename or 'standard output'}: {error.strerror or error}")


@app.callback(invoke_without_command=True)
def about(*, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Say which version this is, if asked."""
    if version:
        out.print(f"rfispider {__version__}")
        raise typer.Exit

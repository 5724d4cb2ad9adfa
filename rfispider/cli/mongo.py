"""`rfispider mongo`: the embedded server."""

from pathlib import Path

import typer

from rfispider import settings
from rfispider.cli.console import fail
from rfispider.mongo.embedded import Embedded
from rfispider.mongo.errors import redacted

app = typer.Typer(no_args_is_help=True, help="The embedded MongoDB: a real server, for this machine only.")


def embedded() -> Embedded:
    """The embedded server of this directory."""
    return Embedded(Path(settings.RFI_DATA))


@app.command()
def up() -> None:
    """Start the embedded MongoDB unless it runs, and print its URI."""
    typer.echo(embedded().up())


@app.command()
def status() -> None:
    """Say whether it runs, where, and where its data lie. Exit status 1 when it does not run."""
    state = embedded().status()
    running = f"running, process {state.pid}, {redacted(state.uri, state.uri)}" if state.uri else "not running"
    typer.echo(f"{running}\ndata {state.data}\nlog  {state.log}")
    if not state.uri:
        raise typer.Exit(1)


@app.command()
def uri() -> None:
    """Print the URI of the running server, for other programs. Exit status 1 when it does not run."""
    state = embedded().status()
    if not state.uri:
        fail("the embedded MongoDB does not run; `rfispider mongo up` starts it")
    typer.echo(state.uri)


@app.command()
def down() -> None:
    """Stop the embedded MongoDB; its data stay."""
    embedded().down()

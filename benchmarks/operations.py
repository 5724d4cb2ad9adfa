"""An hour of operation of the whole stack, accelerated, with what goes wrong in a year.

MongoDB with passwords, two crawlers, a scheduler that runs a third by the clock, Splash, metrics in files, on a
generated site that publishes all the time. Pages come by script, hang, are edited and refused, a worker is killed, a
source goes dead. At each of it `rfispider health`, `metrics`, `report`, `audit` have to tell that story, and in the end
every article has to be stored, once and right. Prints a timeline; the exit status is 1 when a promise is not kept.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import stage  # before what it finds

# isort: split
import pytest
import typer
from operated import scenes
from operated.clock import accelerated
from operated.shift import Shift
from operated.stack import stack
from rich.console import Console

from tests.support import browsers

app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def operate(
    *,
    speed: Annotated[float, typer.Option(help="How many times as fast the clock runs; 1 needs no libfaketime.")] = 10,
    editions: Annotated[str, typer.Option(help="Of the site, and crawled.")] = "cn,en",
    articles: Annotated[int, typer.Option(help="Of each edition, before the first is published.")] = 30,
    rate: Annotated[float, typer.Option(help="RFI_RATE of the fleet, requests a second of the clock.")] = 2,
    keep: Annotated[Path | None, typer.Option(help="Directory for logs, metrics and the report.")] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(scenes.SCENES)}; default: all.")] = None,
) -> None:
    """Operate the whole stack for an hour of accelerated publishing."""
    console = Console()
    with ExitStack() as running:
        directory = kept(keep) if keep else Path(running.enter_context(scratch()))
        splash = running.enter_context(renderer(directory))
        clock = running.enter_context(accelerated(speed))
        services = running.enter_context(
            stack(directory, clock, splash=splash, editions=editions, articles=articles, rate=rate)
        )
        shift = Shift(services, console)
        scenes.play(shift, only or list(scenes.SCENES))
        console.print(shift.verdict(), stage.cores(), sep="\n")
    if shift.broken:
        raise typer.Exit(1)


def kept(directory: Path) -> Path:
    """A directory that is there."""
    directory.mkdir(parents=True)
    return directory.resolve()


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A directory that goes away, whoever still writes to it."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


@contextmanager
def renderer(directory: Path) -> Iterator[str]:
    """The URL of a Splash server; empty where none can be had."""
    with ExitStack() as running:
        try:
            url = running.enter_context(browsers.splash(directory / "splash.log"))
        except pytest.skip.Exception as reason:
            sys.stderr.write(f"no page will be rendered: {reason}\n")
            url = ""
        yield url


if __name__ == "__main__":
    sys.exit(app())

"""What crashes, other workers, a strict site, edits and repetition cost: each command prints one table of figures.

Real workers crawl a generated site into a real MongoDB; both are killed, refused and changed on the way. The exit
status is 1 when a bound does not hold.
"""

import functools
import sys
from collections.abc import Callable
from typing import Annotated

import stage  # before what it finds

# isort: split
import again as repetition
import crashes
import edits
import manners
import throughput
import typer
from rich.console import Console
from rich.table import Table
from world import Figure

app = typer.Typer(
    help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
Scenario = Callable[..., list[Figure]]
Articles = Annotated[int, typer.Option(help="Articles of the site, about.")]
Workers = Annotated[int, typer.Option(help="Workers at the same time.")]
Latency = Annotated[float, typer.Option(help="Milliseconds that the site takes for every answer.")]


def told(scenario: Scenario) -> Callable[..., None]:
    """A command that runs a scenario, prints its table, and exits 1 when a bound does not hold."""

    @functools.wraps(scenario)
    def run(**options: object) -> None:
        figures = scenario(**options)
        table = Table("measure", "measured", "wanted", title=f"{scenario.__name__}: {scenario.__doc__}")
        for figure in figures:
            table.add_row(figure.what, figure.measured, figure.wanted, style=None if figure.holds else "red")
        Console().print(table, stage.cores())
        if not all(figure.holds for figure in figures):
            raise typer.Exit(1)

    return run


@app.command()
@told
def kill(
    articles: Articles = 600,
    in_flight: Annotated[int, typer.Option(help="Requests in flight.")] = 16,
    latency_ms: Latency = 150,
    share: Annotated[float, typer.Option(help="Part of the crawl (0 to 1) that is done at the kill.")] = 0.4,
) -> list[Figure]:
    """One worker is killed and started again."""
    return crashes.kill(articles=articles, in_flight=in_flight, latency_ms=latency_ms, share=share)


@app.command()
@told
def fleet(articles: Articles = 2000, workers: Workers = 4, latency_ms: Latency = 150) -> list[Figure]:
    """Workers are killed and replaced every few seconds; the only mongod is killed and started again once."""
    return crashes.fleet(articles=articles, workers=workers, nodes=1, latency_ms=latency_ms)


@app.command()
@told
def failover(articles: Articles = 2000, workers: Workers = 4, latency_ms: Latency = 150) -> list[Figure]:
    """The same on a replica set of three nodes, of which the primary is killed once."""
    return crashes.fleet(articles=articles, workers=workers, nodes=3, latency_ms=latency_ms)


@app.command()
@told
def speedup(articles: Articles = 600, latency_ms: Latency = 200) -> list[Figure]:
    """One worker and two on a slow site."""
    return throughput.speedup(articles=articles, latency_ms=latency_ms)


@app.command()
@told
def frontier(
    small: Annotated[int, typer.Option(help="URLs known in the one frontier.")] = 10_000,
    large: Annotated[int, typer.Option(help="URLs known in the other.")] = 1_000_000,
) -> list[Figure]:
    """Claims and acknowledgements a second, in a small frontier and in a large one."""
    return throughput.frontier(known=(small, large))


@app.command()
@told
def rate(
    articles: Articles = 600,
    workers: Workers = 4,
    asked: Annotated[float, typer.Option(help="RFI_RATE of the workers, requests a second; 0: no limit.")] = 4.5,
    bears: Annotated[float, typer.Option(help="Requests a second above which the site answers 403.")] = 5,
    patience_s: Annotated[float, typer.Option(help="Seconds after which it is given up.")] = 1200,
) -> list[Figure]:
    """Workers share one rate on a site that refuses whoever is faster than it bears."""
    return manners.rate(articles=articles, workers=workers, asked=asked, bears=bears, patience_s=patience_s)


@app.command()
@told
def updates(
    edited: Annotated[int, typer.Option(help="Articles that are edited, about.")] = 200,
    articles: Articles = 600,
) -> list[Figure]:
    """Articles are edited between runs: the text, some twice, some undone; or only a ticker time or white space."""
    return edits.updates(edited=edited, articles=articles)


@app.command()
@told
def again(
    articles: Articles = 2000,
    editions: Annotated[str, typer.Option(help="Editions; together they have about 40 sources.")] = "cn,en,fr,es",
    published: Annotated[int, typer.Option(help="Articles that come out before a third run.")] = 10,
) -> list[Figure]:
    """A second run over an unchanged site, beside plain Scrapy with its caches and without."""
    return repetition.again(articles=articles, editions=editions, published=published)


if __name__ == "__main__":
    sys.exit(app())

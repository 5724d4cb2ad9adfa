"""What every command shares: where it prints, how it opens the archive, how it shows a value."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rfispider import settings
from rfispider.frontier import Frontier
from rfispider.mongod import uri as mongod_uri
from rfispider.store import Store, explained

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Answer = TypeVar("Answer")
Database = Annotated[str, typer.Option(envvar="MONGO_DATABASE", help="Database of the archive.")]


def ask(database: str, question: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Open the archive, ask it one thing, close it."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(mongod_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        async with await Store.open(uri, database) as store:
            return await question(store)

    return asyncio.run(asked())


def survey(database: str, question: Callable[[Frontier], Awaitable[Answer]]) -> Answer:
    """Open the frontier, ask it one thing, close it."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(mongod_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        with explained("reading the frontier", uri):
            async with await Frontier.open(uri, database) as found:
                return await question(found)

    return asyncio.run(asked())


def titled(title: str, *columns: str) -> Table:
    """An empty table, narrow enough for a terminal of 80 characters."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def text_of(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "-" if value is None else str(value)


def plain(value: object) -> str:
    """A value that JSON lacks: times in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)

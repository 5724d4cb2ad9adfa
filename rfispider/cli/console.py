"""What every command shares: where it prints, how it opens the archive, how it shows a value."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rfispider import settings
from rfispider.frontier import Frontier
from rfispider.mongo.connection import READ_S, resolve_uri
from rfispider.storage import Store
from rfispider.text import visible


class Terminal(Console):
    """A console that shows what the site has written and never obeys it."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - as rich calls it
        """Make a text for the terminal, without what steers it."""
        return super().render_str(visible(text), **options)


out = Terminal(highlight=False)
err = Terminal(stderr=True, highlight=False, soft_wrap=True)

Answer = TypeVar("Answer")
Database = Annotated[str, typer.Option(envvar="MONGO_DATABASE", help="Database of the archive.")]


def with_store(database: str, question: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Open the archive, ask it one thing, close it."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(resolve_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        async with await Store.open(uri, database) as store:
            return await question(store)

    return asyncio.run(asked())


def with_store_readonly(database: str, question: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Ask the archive one thing as it is, in whatever version; nothing is installed."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(resolve_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        async with await Store.open(uri, database, prepare=False, patience=READ_S) as store:
            return await question(store)

    return asyncio.run(asked())


def with_frontier(database: str, question: Callable[[Frontier], Awaitable[Answer]]) -> Answer:
    """Open the frontier, ask it one thing, close it."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(resolve_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        async with await Frontier.open(uri, database) as frontier:
            return await question(frontier)

    return asyncio.run(asked())


def with_both(database: str, question: Callable[[Store, Frontier], Awaitable[Answer]]) -> Answer:
    """Open the archive and the frontier, ask them one thing, close them."""

    async def asked() -> Answer:
        uri = await asyncio.to_thread(resolve_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
        async with (
            await Store.open(uri, database, patience=READ_S) as store,
            await Frontier.open(uri, database) as frontier,
        ):
            return await question(store, frontier)

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

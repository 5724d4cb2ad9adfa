"""What every command shares: where it prints, how it opens the archive, how it shows a value."""

import asyncio
import io
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from rfispider import settings
from rfispider.cli import options
from rfispider.frontier import Frontier
from rfispider.mongo.connection import PATIENCE_S, READ_S, Connection, resolve_uri
from rfispider.storage import Store
from rfispider.text import escaped, visible


class Terminal(Console):
    """A console that shows what the site has written and never obeys it."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text for the terminal, without control characters."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The pieces of anything that is printed, without control characters but rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


USAGE_STATUS = 2
"""Exit status of a command that was asked wrongly."""

out = Terminal(highlight=False)
err = Terminal(stderr=True, highlight=False, soft_wrap=True)

Result = TypeVar("Result")
Database = Annotated[
    str, typer.Option(envvar="MONGO_DATABASE", callback=options.database, help="Database of the archive.")
]


CANCEL_AGAIN_S = 0.5
"""What Ctrl-C cancels is cancelled again after so many seconds."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of SIGINT, as shells have it."""


# ---- The archive -----------------------------------------------------------------------------------------


@asynccontextmanager
async def connected(patience_s: float = PATIENCE_S) -> AsyncIterator[Connection]:
    """The one connection of a command, to the server that MONGO_URI names, else to the embedded one.

    Raises:
        DatabaseError: there is no server to be had.

    """
    uri = await asyncio.to_thread(resolve_uri, settings.MONGO_URI, Path(settings.RFI_DATA))
    async with await Connection.open(uri, patience_s=patience_s) as connection:
        yield connection


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine gives, run to its end or to Ctrl-C.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, and the coroutine was cancelled.

    """
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)  # signals reach the main thread alone
    task = asyncio.run(_until_interrupted(work))
    if task is None:
        raise KeyboardInterrupt
    return task.result()


async def _until_interrupted(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result] | None:
    """The task of a coroutine when it is done; None when SIGINT has cancelled it. A second SIGINT ends it at once."""
    loop, task, interrupted = asyncio.get_running_loop(), asyncio.ensure_future(work), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    signalled = asyncio.ensure_future(interrupted.wait())
    await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    loop.remove_signal_handler(signal.SIGINT)
    if not interrupted.is_set():
        return task
    while not task.done():
        # More than once: the driver (pymongo 4.20) loses a cancellation that comes just when an answer arrives.
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(task, return_exceptions=True)  # whatever it ended with, this is why
    return None


def with_store(database: str, use: Callable[[Store], Awaitable[Result]]) -> Result:
    """What `use` gives of the archive, which is open meanwhile."""

    async def opened() -> Result:
        async with connected() as connection:
            store = Store(connection, database)
            await store.prepare()
            return await use(store)

    return run(opened())


def with_store_readonly(database: str, use: Callable[[Store], Awaitable[Result]]) -> Result:
    """The same of the archive as it is, in whatever version; nothing is installed."""

    async def opened() -> Result:
        async with connected(READ_S) as connection:
            return await use(Store(connection, database))

    return run(opened())


def with_frontier(database: str, use: Callable[[Frontier], Awaitable[Result]]) -> Result:
    """What `use` gives of the frontier, which is open meanwhile."""

    async def opened() -> Result:
        async with connected() as connection:
            frontier = Frontier(connection, database)
            await frontier.prepare()
            return await use(frontier)

    return run(opened())


def with_both(database: str, use: Callable[[Store, Frontier], Awaitable[Result]]) -> Result:
    """What `use` gives of archive and frontier, which are open meanwhile over one connection."""

    async def opened() -> Result:
        async with connected(READ_S) as connection:
            store, frontier = Store(connection, database), Frontier(connection, database)
            await store.prepare()
            await frontier.prepare()
            return await use(store, frontier)

    return run(opened())


async def ask(question: str) -> str:
    """The line that a person types in answer; empty at the end of input. Ctrl-C cancels it, which no thread could."""
    out.print(question, end=" ", markup=False)
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):
        return sys.stdin.readline().strip()  # no file: it is all there
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    return sys.stdin.readline().strip()


# ---- Values ----------------------------------------------------------------------------------------------


def titled(title: str, *columns: str) -> Table:
    """An empty table, narrow enough for a terminal of 80 characters."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)


def text_of(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "-" if value is None else str(value)


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun; the plural is made with an s unless it is given.

    >>> counted(1, "URL"), counted(2, "entry", "entries")
    ('1 URL', '2 entries')
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def plain(value: object) -> str:
    """A value that JSON lacks: times in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def json_text(value: object, *, indent: int | None = None) -> str:
    """A value as JSON for standard output; what a terminal would obey, or cannot show, is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    is_unicode = encoding.lower().startswith("utf")
    return escaped(json.dumps(value, default=plain, ensure_ascii=not is_unicode, indent=indent))


def print_json(value: object) -> None:
    """Print a value as JSON, indented."""
    typer.echo(json_text(value, indent=2))


# ---- Standard output -------------------------------------------------------------------------------------


def escape_output() -> None:
    """Have characters that standard output or error cannot encode written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def abandon_output() -> None:
    """Write no more to standard output, which failed: what is left in its buffer would fail again at the exit."""
    with suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str, status: int = 1) -> NoReturn:
    """End the command: one line on standard error, and this exit status."""
    with suppress(OSError):
        err.print(f"rfispider: {escape(message)}")
    sys.exit(status)

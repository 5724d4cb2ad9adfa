"""The server of the hostile site, and the servers beside it that nobody may ask."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.hostile_pages import PATH, Wire, answer, pages, sources


@dataclass
class Site:
    """A running server and what it was asked for."""

    base: str
    asked: list[str] = field(default_factory=list)
    connections: int = 0

    @property
    def place(self) -> str:
        """Host and port."""
        return self.base.removeprefix("http://")


@contextmanager
def listening(answers: dict[str, Wire | Iterator[bytes]], host: str = "127.0.0.1") -> Iterator[Site]:
    """Serve answers by path while the context lasts, anything else with 404."""
    loop, site, started = asyncio.new_event_loop(), Site(""), threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(lambda reader, writer: _exchange(reader, writer, answers, site), host, 0)
        site.base = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        started.set()
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answers: dict[str, Wire | Iterator[bytes]],
    site: Site,
) -> None:
    site.connections += 1
    with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode("latin-1")
        site.asked.append(path)
        found = answers.get(path, answer("", "404 Not Found"))
        if callable(found):
            await found(writer)
        else:
            writer.write(found if isinstance(found, bytes) else next(found))
            await writer.drain()
    writer.close()


def filled_in(wire: Wire | Iterator[bytes], places: dict[str, str]) -> Wire | Iterator[bytes]:
    """An answer with the places filled in that stand in braces, its length right again."""
    if isinstance(wire, bytes):
        return _filled(wire, places)
    return wire if callable(wire) else (_filled(each, places) for each in wire)


def _filled(wire: bytes, places: dict[str, str]) -> bytes:
    head, _, body = wire.partition(b"\r\n\r\n")
    longer = _replaced(body, places)
    told = f"Content-Length: {len(body)}\r\n".encode()
    head = _replaced(head, places).replace(told, f"Content-Length: {len(longer)}\r\n".encode())
    return head + b"\r\n\r\n" + longer


def _replaced(text: bytes, places: dict[str, str]) -> bytes:
    for name, value in places.items():
        text = text.replace(b"{" + name.encode() + b"}", value.encode())
    return text


@contextmanager
def serving(canary: Path) -> Iterator[tuple[Site, list[Site]]]:
    """The site, and the two servers that nobody may ask."""
    with listening({}) as other, listening({}, "127.0.0.2") as elsewhere:
        places = {
            "other": other.base,
            "other_place": other.place,
            "other_port": other.place.rpartition(":")[2],
            "elsewhere": elsewhere.base,
            "canary": str(canary),
        }
        by_path = {PATH + name: wire for name, wire in pages().items()} | dict(sources())
        robots = answer(b"User-agent: *\nAllow: /\n\xff\x00$ne: 1\nSitemap: " + other.base.encode(), kind="text/plain")
        answers = {path: filled_in(wire, places) for path, wire in by_path.items()} | {"/robots.txt": robots}
        with listening(answers) as site:
            yield site, [other, elsewhere]

"""The site's own ceiling: sockets that ask for one page after the other and read the answers, nothing else."""

import asyncio
from urllib.parse import urlsplit

from task import IN_FLIGHT, Task


class Client(asyncio.Protocol):
    """Asks for pages until there are none; reads each to its last byte."""

    def __init__(self, paths: list[str], over: "asyncio.Future[None]") -> None:
        self.paths, self.over = paths, over
        self.left = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        """Ask for the next page."""
        if self.paths:
            self.left = -1
            self.transport.write(f"GET {self.paths.pop()} HTTP/1.1\r\nHost: site\r\n\r\n".encode())
        else:
            self.transport.close()
            self.over.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Count what comes; the head is in the first piece."""
        if self.left < 0:
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            self.left, data = int(length.split(b":")[1]), body
        self.left -= len(data)
        if self.left == 0:
            self.ask()


async def main() -> None:
    """Fetch."""
    task = Task.given()
    loop, address = asyncio.get_running_loop(), urlsplit(task.base)
    paths = [urlsplit(url).path for url in task.urls()]
    ends = [loop.create_future() for _ in range(IN_FLIGHT)]
    for end in ends:
        await loop.create_connection(lambda end=end: Client(paths, end), address.hostname, address.port)  # type: ignore[misc]
    await asyncio.gather(*ends)


if __name__ == "__main__":
    asyncio.run(main())

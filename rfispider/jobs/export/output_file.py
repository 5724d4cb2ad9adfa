"""A file that is there whole or not at all: written under another name beside it, then renamed."""

import fcntl
import gzip
import hashlib
import io
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO, Final, Self, cast

import zstandard

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GZIP_LEVEL: Final = 4
"""Of 9: half the time of the usual 6 for five per cent more bytes."""

_COMPRESSED: Final = (".gz", ".zst")


class OutputError(Exception):
    """A file cannot be written; the message is one line for a person."""


def stripped(name: str) -> str:
    """A file's name without the suffix of its compression.

    >>> stripped("march.csv.gz")
    'march.csv'
    """
    return name.removesuffix(suffix) if (suffix := compression(name)) else name


def compression(name: str) -> str:
    """The suffix of a file's name that tells its compression; empty when there is none."""
    return next((suffix for suffix in _COMPRESSED if name.endswith(suffix)), "")


class HashingWriter(io.RawIOBase):
    """Hands bytes on to a file, and knows their SHA-256 and number."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Write all of the bytes."""
        self._hash.update(data)
        self._file.write(data)
        count = memoryview(data).nbytes
        self.bytes += count
        return count

    def tell(self) -> int:
        """How many bytes were written."""
        return self.bytes

    def sha256(self) -> str:
        """The hash so far, as hex digits."""
        return self._hash.hexdigest()


class Output:
    """A file or standard output (`-`), as something to write to; `digest` is of what arrived there."""

    def __init__(self, path: Path, *, own: bool = False) -> None:
        """Name it; `own`: what is written compresses itself."""
        self._target = None if path == Path("-") else AtomicFile(path, plain=own)
        self.is_compressed = bool(compression(path.name))

    def __enter__(self) -> Self:
        """Open it. Raises OutputError when it cannot be written."""
        if self._target:
            self._target.__enter__()
            self.digest, self.sink = self._target.digest, self._target.sink
        else:
            self.digest = HashingWriter(sys.stdout.buffer)
            self.sink = cast("BinaryIO", self.digest)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        if self._target:
            self._target.__exit__(kind, error, trace)
        elif error is None:
            sys.stdout.buffer.flush()


class AtomicFile:
    """Opens the file in a `with` block; when that ends without an exception, the file stands under its name.

    What was under the name stays until then. After a crash the unfinished file stays beside it, hidden, and is taken
    over by the next attempt. Two processes cannot write the same file at once.
    """

    def __init__(self, path: Path, *, plain: bool = False) -> None:
        """Name the file; `plain`: not to be compressed here, whatever its suffix."""
        self.path = path.resolve()
        self._part = self.path.with_name(f".{self.path.name}.part")
        self._compression = "" if plain else compression(path.name)

    def __enter__(self) -> Self:
        """Open the hidden file.

        Raises:
            OutputError: it cannot be written.

        """
        if self.path.exists() and not self.path.is_file():
            raise OutputError(f"{self.path} is not a file; `-` writes to standard output")
        try:
            self._file = self._locked()
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}") from error
        self.digest = HashingWriter(self._file)
        self.sink = compressing(cast("BinaryIO", self.digest), self._compression)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the file under its name, or remove it."""
        with self._file:
            if error is not None:
                self._part.unlink()
                return
            finish(self.sink, self.digest)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._part.replace(self.path)
        sync(self.path.parent)

    def _locked(self) -> IO[bytes]:
        """The hidden file, empty, ours alone: the lock is let go when the process ends, however it does."""
        while True:
            file = self._part.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_named(file):
                    file.truncate(0)
                    return file
            except BlockingIOError:
                file.close()
                raise OutputError(f"{self.path} is being written by another process") from None
            file.close()

    def _is_named(self, file: IO[bytes]) -> bool:
        """Whether the name still leads to the file: whoever held the lock before may have renamed it."""
        return self._part.exists() and os.path.samestat(os.fstat(file.fileno()), self._part.stat())


def compressing(file: BinaryIO, suffix: str) -> BinaryIO:
    """What compresses into a file as a suffix tells; the file itself for none."""
    if suffix == ".gz":
        return cast("BinaryIO", gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0))
    if suffix == ".zst":
        return cast("BinaryIO", zstandard.ZstdCompressor().stream_writer(file, closefd=False))
    return file


def finish(sink: BinaryIO, file: object) -> None:
    """Write what a compression has at its end; the file itself stays open."""
    if sink is not file:
        sink.close()


def write_text(path: Path, text: str) -> None:
    """Put a small file in the place of another at once."""
    with AtomicFile(path, plain=True) as target:
        target.sink.write(text.encode())


def sync(directory: Path) -> None:
    """Have the names in a directory on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

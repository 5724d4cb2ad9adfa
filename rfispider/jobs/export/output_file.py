"""A file that is there whole or not at all: written under another name beside it, then renamed."""

import fcntl
import gzip
import hashlib
import io
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO, Final, Self, cast

import zstandard

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GZIP_LEVEL: Final = 4
"""Of 9: half the time of the usual 6 for five per cent more bytes."""

NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a file is opened that must not have been there, under whatever kind of name."""

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
            self._file = self._created()
        except AlreadyWrittenError:
            raise OutputError(f"{self.path} is being written by another process") from None
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
                self._part.unlink(missing_ok=True)
                return
            finish(self.sink, self.digest)
            self._file.flush()
            os.fsync(self._file.fileno())
            if not is_named(self._file, self._part):
                raise OutputError(f"{self._part} was removed or replaced while it was written")
            self._part.replace(self.path)
        sync(self.path.parent)

    def _created(self) -> IO[bytes]:
        """The hidden file, new and ours alone: the lock is let go when the process ends, however it does.

        Whatever stood under its name is not opened for writing: it may be a link to another file.
        """
        while True:
            remove_leftover(self._part)
            file = self._opened()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise AlreadyWrittenError from None
            if is_named(file, self._part):
                return file
            file.close()

    def _opened(self) -> IO[bytes]:
        try:
            return os.fdopen(os.open(self._part, NEW_FILE, 0o666), "wb")
        except FileExistsError:
            # Somebody else's, which we may not remove from this directory.
            self._part = self._part.with_name(f".{self.path.name}.{secrets.token_hex(8)}.part")
            return os.fdopen(os.open(self._part, NEW_FILE, 0o666), "wb")


class AlreadyWrittenError(Exception):
    """Another process writes the file."""


def remove_leftover(part: Path) -> None:
    """Remove what a crash, or somebody else, has left under a name; links are removed, not followed.

    Raises:
        AlreadyWrittenError: it is the file of a process that is alive.

    """
    with suppress(FileNotFoundError, PermissionError, IsADirectoryError):
        if not stat.S_ISREG(part.lstat().st_mode):
            part.unlink()
            return
        with os.fdopen(os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyWrittenError from None
            if is_named(file, part):
                part.unlink()


def is_named(file: IO[bytes], part: Path) -> bool:
    """Whether a name still leads to an open file: somebody may have renamed, removed or replaced it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), part.lstat())
    except FileNotFoundError:
        return False


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

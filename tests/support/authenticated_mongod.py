"""A MongoDB with passwords, made as the stack of the compose file makes it, and the secrets that it is made from."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from rfispider.mongo.server_binary import find_binary
from tests.support.crawling import ROOT, wait_until


def secrets_in(directory: Path) -> Path:
    """Make the secrets of the stack in a directory; gives the directory that holds them."""
    shutil.copy(ROOT / "deploy/make-secrets", directory)
    subprocess.run([directory / "make-secrets"], check=True, capture_output=True)
    return directory / "secrets"


@contextmanager
def guarded_server(directory: Path, secrets: Path, port: int) -> Iterator[str]:
    """A MongoDB with passwords, made as the image of MongoDB makes it: the root user first, then for good."""
    data, key = directory / "db", directory / "keyfile"
    data.mkdir()
    shutil.copy(secrets / "mongo_keyfile", key)
    key.chmod(0o400)
    command = [
        str(find_binary()),
        "--dbpath",
        str(data),
        "--port",
        str(port),
        "--logpath",
        str(directory / "mongod.log"),
    ]
    password = (secrets / "mongo_admin_password").read_text()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
        with MongoClient[Any](port=port) as client:
            client.admin.command("createUser", "admin", pwd=password, roles=["root"])
        first.terminate()
    guarded = [*command, "--replSet", "rfi", "--keyFile", str(key)]
    with subprocess.Popen(guarded, stdout=subprocess.DEVNULL) as server:
        try:
            made_ready(secrets, port)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


def made_ready(secrets: Path, port: int) -> None:
    """What the health check of the compose file does: by its own script where there is a shell for it."""
    told = {
        "MONGO_INITDB_ROOT_USERNAME": "admin",
        "MONGO_INITDB_ROOT_PASSWORD_FILE": str(secrets / "mongo_admin_password"),
        "MONGO_CRAWLER_PASSWORD_FILE": str(secrets / "mongo_crawler_password"),
        "MONGO_DATABASE": "rfi",
        "MONGO_MEMBER": f"127.0.0.1:{port}",
    }
    if shell := shutil.which("mongosh"):
        ready = [shell, "--quiet", "--norc", "--port", str(port), "--file", str(ROOT / "deploy/mongo/ready.js")]
        wait_until(lambda: not subprocess.run(ready, env=os.environ | told, check=False).returncode, "MongoDB is ready")
        return
    words = {name: (secrets / f"mongo_{name}_password").read_text() for name in ("admin", "crawler")}
    with MongoClient[Any](port=port, directConnection=True, username="admin", password=words["admin"]) as client:
        members = [{"_id": 0, "host": told["MONGO_MEMBER"]}]
        client.admin.command("replSetInitiate", {"_id": "rfi", "members": members})
        wait_until(lambda: client.admin.command("hello")["isWritablePrimary"], "MongoDB is primary")
        client.rfi.command("createUser", "crawler", pwd=words["crawler"], roles=["readWrite", "dbAdmin"])

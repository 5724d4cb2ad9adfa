"""What several test modules need: one real MongoDB for the whole run, a database of one's own, the real documents."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient

from rfispider.mongo.embedded import Embedded
from rfispider.storage import Store

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a real MongoDB (a replica set of one node) that lives as long as the test run."""
    server = Embedded(tmp_path_factory.mktemp("mongo"))
    uri = server.up()
    yield uri
    server.down()


@pytest.fixture
def database(mongo_uri: str) -> Iterator[str]:
    """The name of a database that nobody else uses; dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    yield name
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database(name)


@pytest.fixture
async def store(mongo_uri: str, database: str) -> AsyncIterator[Store]:
    """The archive in a database of one's own."""
    async with await Store.open(mongo_uri, database) as opened:
        yield opened


@pytest.fixture
async def kept(mongo_uri: str, database: str) -> AsyncIterator[Any]:
    """The collection of its raw pages, as any other client sees it."""
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[database].pages


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of real documents beside the checkout; the test is skipped where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the real documents are not on this machine")
    return SHARED

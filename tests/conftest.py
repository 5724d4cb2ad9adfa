"""What several test modules need: one real MongoDB for the whole run, a database of one's own, the real documents."""

import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pymongo import AsyncMongoClient, MongoClient

from rfispider.mongo.embedded import Embedded
from rfispider.storage import Store
from tests.support.isolation import isolated

hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")  # the first example of a process loads what all others use

SHARED = Path(__file__).parents[2] / "shared"
E2E = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `unit` what asks for no MongoDB, is no whole crawl, and is not marked `integration`."""
    for item in items:
        asks_for_mongodb = "mongo_uri" in getattr(item, "fixturenames", ())
        if not (asks_for_mongodb or E2E in item.path.parents or item.get_closest_marker("integration")):
            item.add_marker(pytest.mark.unit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """The fixtures of a unit test start no process and open no connection."""
    with isolated() if item.get_closest_marker("unit") else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Nor does the test itself."""
    with isolated() if item.get_closest_marker("unit") else nullcontext():
        return (yield)


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

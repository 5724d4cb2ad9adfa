"""The README is true: every setting, argument and command stands in it, and its queries work when pasted."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest
from pymongo import MongoClient
from typer.main import get_command

from rfispider import settings
from rfispider.cli import app
from rfispider.crawl.arguments import Arguments
from rfispider.frontier import schema as frontier_schema
from rfispider.frontier.policy.revisit import Gap, Poll
from rfispider.items import NOT_STORED, Article, Audio, Entry, Image, Outcome, Related
from rfispider.jobs.cron import lock
from rfispider.mongo import schema
from rfispider.storage import validators as store_validators
from rfispider.storage.documents import NOT_SUPERSEDED
from tests.support import documentation
from tests.support.crawling import ROOT, crawl, serving

README = (ROOT / "README.md").read_text("utf-8")
QUERIES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1:]


def commands() -> Iterator[str]:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        yield f"rfispider {name}"
        yield from (f"{sub}" for sub in getattr(command, "commands", ()))


@pytest.mark.parametrize("name", [n for n in vars(settings) if n.startswith(("RFI_", "MONGO_"))])
def test_every_setting_is_in_the_table(name: str) -> None:
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("name", [field.name for field in fields(Arguments)])
def test_every_argument_of_the_spider_is_explained(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_is_mentioned(command: str) -> None:
    assert command in README


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_named(outcome: str) -> None:
    assert f"`{outcome}`" in README


@pytest.fixture(scope="module")
def crawled(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serving(tmp_path_factory.mktemp("site"), "--editions", "cn", "--articles", "30") as site:
        assert crawl(mongo_uri, "test_docs", RFI_BASE_URL=site.base).returncode == 0
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client.test_docs
        client.drop_database("test_docs")


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_every_query_works_when_pasted(query: str, crawled: Any) -> None:
    *lines, last = re.split(r"\n(?=\S)(?![\]})])", query.strip())
    scope: dict[str, Any] = {"db": crawled}
    exec("\n".join(lines), scope)
    assert eval(last, scope)


def test_there_are_four_queries() -> None:
    assert len(QUERIES) == 4


def test_the_map_of_the_house_shows_every_room_and_no_other() -> None:
    rows = re.findall(r"^\| \d \| (.*?) \|", (ROOT / "docs" / "house.md").read_text("utf-8"), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    there = {
        path.stem for path in (ROOT / "rfispider").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert told == there - {"__init__"}


# ---- The data --------------------------------------------------------------------------------------------

DATA = documentation.sections((ROOT / "docs" / "data.md").read_text("utf-8"))
VALIDATORS = {
    **schema.VALIDATORS,
    **store_validators.VALIDATORS,
    **frontier_schema.VALIDATORS,
    **lock.VALIDATORS,
}


@pytest.mark.parametrize("name", sorted({*DATA, *VALIDATORS}))
def test_every_field_of_a_collection_is_described_and_no_other(name: str) -> None:
    told = DATA[name]
    if name == "revisions":
        inherited = store_validators.PROPERTIES.keys() - NOT_SUPERSEDED
        told |= {path: row for path, row in DATA["articles"].items() if path.split(".")[0] in inherited}
    assert {path: row._replace(example="") for path, row in told.items()} == dict(
        documentation.properties(VALIDATORS[name])
    )


@pytest.mark.parametrize(
    ("collection", "prefix", "record", "others"),
    [
        ("articles", "", Article, {"key", *NOT_STORED}),
        ("articles", "images.", Image, set()),
        ("articles", "audio.", Audio, set()),
        ("articles", "related.", Related, set()),
        ("frontier", "entry.", Entry, {"url", "content"}),
        ("frontier", "poll.", Poll, set()),
        ("frontier", "gaps.", Gap, set()),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_field_of_a_record_is_described(collection: str, prefix: str, record: Any, others: set[str]) -> None:
    names = {field.name for field in fields(record)} - others
    assert {prefix + name for name in names} <= DATA[collection].keys()


READERS: dict[str, Callable[[str], Any]] = {
    "int": int, "number": float, "time": datetime.fromisoformat, "flag": {"true": True, "false": False}.__getitem__,
    "list": json.loads, "map": json.loads, "record": json.loads, "text": str, "word": str, "id": str, "bytes": str,
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_every_example_is_of_its_type(name: str) -> None:
    for path, row in DATA[name].items():
        nested = any(other.startswith(f"{path}.") for other in DATA[name])
        assert row.example or nested, path
        if row.example:
            READERS[row.type.split()[0]](row.example)


def test_what_a_crawl_stores_is_described(crawled: Any) -> None:
    names = [name for name in crawled.list_collection_names() if not name.startswith("system.")]
    assert {*names, *lock.VALIDATORS} == DATA.keys()
    for name in names:
        found = {path for document in crawled[name].find() for path in documentation.paths(document, VALIDATORS[name])}
        assert found <= dict(documentation.properties(VALIDATORS[name])).keys(), name
    assert DATA["articles"].keys() - {"gone_at", "ticker", "silent_edits", "twin"} <= {
        path for document in crawled.articles.find() for path in documentation.paths(document, VALIDATORS["articles"])
    } | {"audio.duration_s", "images.caption", "images.credit", "programme", "related.label", "short_code", "credits"}

"""The README is true: every setting, argument and command stands in it, and its queries work when pasted."""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from crawling import ROOT, crawl, serving
from pymongo import MongoClient
from typer.main import get_command

from rfispider import settings
from rfispider.arguments import Arguments
from rfispider.cli import app
from rfispider.items import Outcome

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


@pytest.mark.parametrize("outcome", set(Outcome) - {Outcome.DUPLICATE})
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


def test_there_are_five_queries() -> None:
    assert len(QUERIES) == 5

"""Components are handed what they use: nobody looks for it on the spider, in a pipeline, or behind a flag."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.exceptions import NotConfigured

import rfispider.crawl
from rfispider.crawl.session import CrawlSession
from rfispider.crawl.spiders.rfi import RfiSpider

CRAWL = Path(rfispider.crawl.__file__).parent
DECLARED = set(dir(RfiSpider)) | set(vars(RfiSpider(editions="cn")))
"""What a spider of ours has of its own."""


def attributes_of_the_spider(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Each attribute of a `spider` that a module reads or sets, and whether it sets it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).split(".")[-1] == "spider":
            yield node.attr, isinstance(node.ctx, ast.Store)


@pytest.mark.parametrize("path", sorted(CRAWL.rglob("*.py")), ids=lambda path: str(path.relative_to(CRAWL)))
def test_no_component_reads_an_attribute_that_another_planted_on_the_spider(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    own = path.parts[-2:] == ("spiders", "rfi.py")
    assert [name for name, is_set in attributes_of_the_spider(tree) if is_set and not own] == []
    assert {name for name, _ in attributes_of_the_spider(tree)} <= DECLARED
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not {name for name in calls if name.endswith(("get_item_pipeline", "get_extension"))}


class World:
    """A session that has no database, and what its components said."""

    def __init__(self) -> None:
        self.session = CrawlSession(
            uri="",
            data=Path(),
            database="",
            limits=None,
            max_depth=None,
            writer=SimpleNamespace(),  # type: ignore[arg-type]
        )
        self.closed = 0
        self.words: list[tuple[str, str, bool]] = []
        self.session._connection = SimpleNamespace(close=self.close)  # type: ignore[assignment]
        self.session.is_open = True

    async def close(self) -> None:
        self.closed += 1

    def finisher(self, name: str) -> Any:
        async def finish(reason: str) -> None:
            self.words.append((name, reason, self.session.is_open))

        return finish


async def test_everybody_says_the_last_word_in_order_while_the_database_is_open_and_it_is_closed_once() -> None:
    world = World()
    for name in ("record", "metrics"):
        world.session.before_close(world.finisher(name))
    await world.session.finish("finished")
    await world.session.close()
    assert world.words == [("record", "finished", True), ("metrics", "finished", True)]
    assert world.closed == 1


async def test_a_fault_of_one_does_not_silence_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(reason: str) -> None:
        raise KeyError(reason)

    world = World()
    world.session.before_close(broken)
    world.session.before_close(world.finisher("metrics"))
    await world.session.finish("finished")
    assert [name for name, _, _ in world.words] == ["metrics"]
    assert "a fault at the end of the crawl" in caplog.text
    assert world.closed == 1


def test_another_spider_than_ours_needs_no_database() -> None:
    with pytest.raises(NotConfigured):
        CrawlSession.from_crawler(SimpleNamespace(spider=SimpleNamespace()))  # type: ignore[arg-type]

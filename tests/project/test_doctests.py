"""The examples in the docstrings are true."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import rfispider

ROOMS_WITH_EXAMPLES = {"site", "feeds", "extract", "storage"}


def modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(rfispider.__path__, "rfispider."):
        yield module.name


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in modules():
        yield from (test for test in finder.find(importlib.import_module(name)) if test.examples)


EXAMPLES = {test.name: test for test in examples()}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_gives_what_it_shows(name: str) -> None:
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(EXAMPLES[name], out=report.append)
    assert not report, "".join(report)


def test_every_room_that_decides_has_examples() -> None:
    assert {name.split(".")[1] for name in EXAMPLES} >= ROOMS_WITH_EXAMPLES

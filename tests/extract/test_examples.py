"""The examples in the docstrings of the room give what they show."""

import doctest
import pkgutil
from importlib import import_module

import pytest

from rfispider import extract

MODULES = [f"{extract.__name__}.{module.name}" for module in pkgutil.iter_modules(extract.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_the_room_has_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = [example for name in MODULES for example in finder.find(import_module(name)) if example.examples]
    assert len(examples) >= 10

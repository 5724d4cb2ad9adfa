"""The examples in the docstrings of what decides."""

import doctest
import importlib
import pkgutil

import pytest

from rfispider.storage import policy

MODULES = [module.name for module in pkgutil.iter_modules(policy.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_true(name: str) -> None:
    module = importlib.import_module(f"rfispider.storage.policy.{name}")
    assert doctest.testmod(module).failed == 0


def test_there_are_examples() -> None:
    modules = [importlib.import_module(f"rfispider.storage.policy.{name}") for name in MODULES]
    assert sum(doctest.testmod(module).attempted for module in modules) > 5

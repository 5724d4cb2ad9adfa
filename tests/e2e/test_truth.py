"""Eventual truth, in simulated histories: `benchmarks/truth.py` runs them by the hour."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rfispider.storage.policy import versioning
from tests.support.truth.simulation import History, Laboratory

SEEDS = range(1, 13)
EXAMPLES = 8

Run = Callable[[int], History]


@pytest.fixture(scope="module")
def run(mongo_uri: str) -> Iterator[Run]:
    """Runs the history of a seed."""
    laboratory = Laboratory(mongo_uri, f"test_{uuid.uuid4().hex[:16]}")
    with asyncio.Runner() as runner:
        runner.run(laboratory.open())
        yield lambda seed: runner.run(laboratory.run(seed))
        runner.run(laboratory.close())


@pytest.mark.parametrize("seed", SEEDS)
def test_once_all_is_well_the_archive_equals_the_site(run: Run, seed: int) -> None:
    assert run(seed).problems == []


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(1_000, 2**32))
def test_so_it_does_in_any_other_history(run: Run, seed: int) -> None:
    assert run(seed).problems == []


def test_a_seed_makes_one_history(run: Run) -> None:
    assert run(1).trace == run(1).trace


def believes_one_answer() -> AbstractContextManager[Any]:
    """A claim needs no second answer."""
    return patch("rfispider.crawl.claims.agrees", lambda before, evidence, asked_at: True)


def forgets_the_order() -> AbstractContextManager[Any]:
    """What was asked for first may replace what was asked for later."""
    return patch.object(versioning, "supersedes", lambda old, seen: True)


@pytest.mark.parametrize("lie", [believes_one_answer, forgets_the_order])
def test_a_planted_fault_is_found(run: Run, lie: Callable[[], AbstractContextManager[Any]]) -> None:
    with lie():
        assert any(run(seed).problems for seed in range(1, 60))

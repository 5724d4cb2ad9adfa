"""Eventual truth: simulated histories, one after the other; each is made of its seed alone.

    python benchmarks/truth.py [--minutes 30] [--seed 1]      from this seed on
    python benchmarks/truth.py --seed 17 --trace              that one alone, step by step

A model site errs, workers are killed, frozen and misdated at every command; then all becomes well, each URL is visited,
and the archive must equal the site (`tests/support/truth`). Exit status 1: a history failed.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from rfispider.mongo.embedded import Embedded
from tests.support.truth.simulation import History, Laboratory

PROGRESS_S = 15.0
TRACE_LINES = 12
"""Of the trace of a failure, so many last lines before its end are printed."""


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--count", type=int, default=10**9, help="the most histories")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true")
    return parser.parse_args()


async def run(options: argparse.Namespace, uri: str) -> int:
    """Run what is asked for; the number of problems."""
    laboratory = Laboratory(uri, "truth")
    await laboratory.open()
    try:
        if options.trace:
            history = await laboratory.run(options.seed, print)
            print("\n".join(history.problems) or "eventual truth holds")
            return len(history.problems)
        return await _many(laboratory, options)
    finally:
        await laboratory.close()


async def _many(laboratory: Laboratory, options: argparse.Namespace) -> int:
    began = told = time.monotonic()
    failed: list[History] = []
    seed = options.seed
    while seed - options.seed < options.count and time.monotonic() - began < options.minutes * 60:
        history = await laboratory.run(seed)
        seed += 1
        if history.problems:
            failed.append(history)
            print(f"seed {history.seed} FAILED: {'; '.join(history.problems[:4])}", flush=True)
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            _tell(seed - options.seed, failed, told - began)
    _tell(seed - options.seed, failed, time.monotonic() - began)
    print(f"seeds that failed: {', '.join(str(history.seed) for history in failed) or 'none'}")
    return len(failed)


def _tell(histories: int, failed: list[History], seconds: float) -> None:
    rate = histories / seconds * 60
    print(f"{seconds:5.0f} s  histories {histories}  failed {len(failed)}  {rate:.0f} a minute", flush=True)


def main() -> int:
    """Run on a server of its own; the exit status."""
    logging.disable(logging.CRITICAL)
    options = parsed()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
        server = Embedded(Path(directory))
        uri = server.up()
        try:
            return 1 if asyncio.run(run(options, uri)) else 0
        finally:
            server.down()


if __name__ == "__main__":
    sys.exit(main())

"""Every change that this project makes to the process as a whole, each with its reason.

The context managers undo their change when their block ends. What has no end of its own, such as the log record
factory, lasts as long as the process and says so.
"""

import gc
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Final

CRAWL_OBJECTS: Final = 10_000
"""New objects between two collections of a crawl: a page makes some thousands, few of them in reference cycles."""
EXPORT_OBJECTS: Final = 200_000
"""The same for an export: documents hold no cycles, and looking for some takes a third of its time."""
EXPORT_SWITCH_S: Final = 0.0005
"""Switch interval of an export (seconds): with Python's own 5 ms the thread that reads from the network in small
pieces waits for the one that formats lines."""


# ---- garbage collection and threads ----------------------------------------------------------------------


def collect_rarely(objects: int) -> None:
    """Run the cyclic garbage collector only after so many new objects, until the process ends."""
    gc.set_threshold(objects, 10, 10)


@contextmanager
def collecting_rarely(objects: int, *, freeze: bool = False) -> Iterator[None]:
    """The same for the length of the block.

    With `freeze`, what is loaded by now is left out of collections: to look through all modules of a crawl each time
    would hold its event loop for 40 ms.
    """
    thresholds = gc.get_threshold()
    if freeze:
        gc.freeze()
    collect_rarely(objects)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        if freeze:
            gc.unfreeze()


@contextmanager
def switching_threads_every(seconds: float) -> Iterator[None]:
    """Let a thread give way to another after so many seconds, for the length of the block."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@contextmanager
def tuned_for_crawl() -> Iterator[None]:
    """Fewer garbage collections, and none of the modules, for the length of a crawl."""
    with collecting_rarely(CRAWL_OBJECTS, freeze=True):
        yield


@contextmanager
def tuned_for_export() -> Iterator[None]:
    """Fewer garbage collections and shorter turns of the threads, for the length of an export."""
    with ExitStack() as changes:
        changes.enter_context(collecting_rarely(EXPORT_OBJECTS))
        changes.enter_context(switching_threads_every(EXPORT_SWITCH_S))
        yield


# ---- logging ---------------------------------------------------------------------------------------------


def make_log_records(factory: Callable[..., logging.LogRecord]) -> None:
    """Make every log record with this factory, until the process ends: a log outlives whatever writes to it."""
    logging.setLogRecordFactory(factory)


def silence_loggers(names: Iterable[str], *, up_to: int) -> None:
    """Drop the records of these loggers up to and including a level, until the process ends.

    By a filter and not by their level, which Scrapy sets anew whenever it configures logging.
    """
    for name in names:
        logging.getLogger(name).addFilter(lambda record: record.levelno > up_to)


# ---- modules of others -----------------------------------------------------------------------------------


@contextmanager
def module_attribute(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Give a module an attribute that it lacks, for the length of the block.

    For the import of a package that still looks for a name where its dependency no longer has it.
    """
    if hasattr(module, name):
        yield
        return
    setattr(module, name, value)
    try:
        yield
    finally:
        delattr(module, name)


def remove_import_hooks(package: str) -> None:
    """Remove the finders that a package has put into `sys.meta_path`: they would see every later import."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != package]

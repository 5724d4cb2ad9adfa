"""The rooms of the package, and the classes that one room shows to the others: its face."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.crawling import ROOT

PACKAGE = ROOT / "rfispider"


def room_of(module: str) -> str:
    """The room of a module, by dotted name: `rfispider.storage.read.queries` -> `storage`."""
    return module.split(".")[1] if "." in module else ""


def faces() -> set[str]:
    """Names of the public classes that a room exports, or that another room imports from it."""
    return {name for module, name in {*_exported(), *_imported_by_others()} if _is_public_class(module, name)}


def classes() -> set[str]:
    """Names of all classes of the package."""
    return {node.name for nodes in _syntax().values() for node in nodes if isinstance(node, ast.ClassDef)}


def _is_another_room(imported: str, module: str) -> bool:
    return imported.startswith("rfispider.") and room_of(imported) != room_of(module)


@cache
def _syntax() -> dict[str, list[ast.AST]]:
    """Module -> the nodes of its syntax tree."""
    return {_module_of(path): list(ast.walk(ast.parse(path.read_text("utf-8")))) for path in PACKAGE.rglob("*.py")}


def _exported() -> Iterator[tuple[str, str]]:
    for path in PACKAGE.glob("*/__init__.py"):
        module = f"rfispider.{path.parent.name}"
        yield from ((module, name) for name in getattr(importlib.import_module(module), "__all__", ()))


def _imported_by_others() -> Iterator[tuple[str, str]]:
    for module, nodes in _syntax().items():
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("rfispider."):
                yield from (
                    (node.module, alias.name) for alias in node.names if room_of(node.module) != room_of(module)
                )


def _module_of(path: Path) -> str:
    return ".".join(("rfispider", *path.relative_to(PACKAGE).with_suffix("").parts))


def _is_public_class(module: str, name: str) -> bool:
    value = getattr(importlib.import_module(module), name, None)
    return inspect.isclass(value) and not name.startswith("_")

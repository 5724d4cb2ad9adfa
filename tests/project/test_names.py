"""One name, one meaning: no public class or constant is defined in two modules."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import rfispider

PACKAGE = Path(rfispider.__file__).parent
OF_EACH = {"VALIDATORS", "INDEXES", "BUFFER_BYTES", "Renderer"}
"""What several modules have of the same kind: the rules of their collections, the renderers of a crawl."""


def definitions(tree: ast.Module) -> Iterator[str]:
    """Names of the public classes and constants of a module."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name) and target.id.isupper())
            case ast.AnnAssign(target=ast.Name(id=name)) if name.isupper():
                yield name


def test_no_public_class_or_constant_has_its_name_in_two_modules() -> None:
    modules: dict[str, list[str]] = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        for name in definitions(ast.parse(path.read_text("utf-8"))):
            modules[name].append(str(path.relative_to(PACKAGE)))
    several = {name: places for name, places in modules.items() if len(places) > 1 and not name.startswith("_")}
    assert {name: places for name, places in several.items() if name not in OF_EACH} == {}

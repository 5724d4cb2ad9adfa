"""What docs/data.md says, and what a validator says, in one form."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Rule = Mapping[str, Any]

_WORDS = {
    "string": "text", "date": "time", "int": "int", "long": "int", "number": "number", "bool": "flag",
    "binData": "bytes", "objectId": "id",
}  # fmt: skip


class Row(NamedTuple):
    """A field: a row of a table, or a property of a validator."""

    type: str
    example: str
    always: bool


def sections(text: str) -> dict[str, dict[str, Row]]:
    """Collection -> field -> row of the tables of a document."""
    found = {}
    for part in text.split("\n## ")[1:]:
        lines = re.findall(r"^\| `.*\|$", part, re.MULTILINE)
        rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
        assert all(len(row) == 5 and all((row[1], row[2], row[4])) for row in rows)
        named = {row[0].strip(" `"): Row(row[1], row[3].strip("`"), row[4] == "never") for row in rows}
        assert len(named) == len(rows)
        found[part.partition("\n")[0]] = named
    return found


def properties(rule: Rule, prefix: str = "") -> Iterator[tuple[str, Row]]:
    """Field -> row of a validator, nested fields by their path."""
    for name, inner in rule.get("properties", {}).items():
        yield prefix + name, Row(word(inner), "", name in rule.get("required", ()))
        yield from properties(inner.get("items", inner), f"{prefix}{name}.")


def word(rule: Rule) -> str:
    """The type of a field as the document names it."""
    if "enum" in rule:
        return "word" if isinstance(rule["enum"][0], str) else "int"
    kinds = rule["bsonType"] if isinstance(rule["bsonType"], list) else [rule["bsonType"]]
    null = " or null" if "null" in kinds else ""
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "array":
        return f"list of {word(rule['items'])}{null}" if "items" in rule else f"list{null}"
    if kind == "object":
        values = rule.get("additionalProperties")
        return (f"map of {word(values)}" if isinstance(values, Mapping) else "record") + null
    return _WORDS[kind] + null


def paths(document: Mapping[str, Any], rule: Rule, prefix: str = "") -> Iterator[str]:
    """The fields of a stored document, nested as deep as its validator describes them."""
    for name, value in document.items():
        yield prefix + name
        inner = rule.get("properties", {}).get(name, {})
        inner = inner.get("items", inner)
        if "properties" in inner:
            for each in value if isinstance(value, list) else [value]:
                yield from paths(each or {}, inner, f"{prefix}{name}.")

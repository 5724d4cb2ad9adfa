"""How right stored articles are: every field of the truth compared with the document, edition by edition."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

FIELDS = (
    "language", "kind", "section", "programme", "title", "lead", "text", "authors", "agency", "credits", "tags",
    "published_at", "modified_at", "images", "audio", "related", "short_code", "status",
)  # fmt: skip

Document = Mapping[str, Any]


def grade(truth: Iterable[Document], stored: Iterable[Document]) -> dict[str, dict[str, float]]:
    """The share (0 to 1) of right values by edition and field, and of articles found under the field `found`.

    An article counts as found under its own URL or as an alias; the fields of an alias are those of another
    article and are not compared. `truth` holds only what can be reached.
    """
    documents = {document["url"]: document for document in stored}
    aliases = {alias for document in documents.values() for alias in document.get("aliases") or ()}
    right: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for article in truth:
        marks = right[article["edition"]]
        document = documents.get(article["url"])
        marks["found"].append(document is not None or article["url"] in aliases)
        if document is not None:
            for field in FIELDS:
                marks[field].append(not wrong(field, article, document))
    return {
        edition: {field: sum(values) / len(values) for field, values in marks.items()}
        for edition, marks in sorted(right.items())
    }


def wrong(field: str, article: Document, document: Document) -> bool:
    """Whether a field of a document is not what the truth says.

    An article that was never modified may say so by the time of its publication or by none.
    """
    if field == "modified_at" and not document.get(field):
        return bool(article[field] != article["published_at"])
    return bool(plain(field, article.get(field)) != plain(field, document.get(field)))


def plain(field: str, value: Any) -> Any:
    """A value in the form in which truth and document are compared: nothing is empty, times are UTC."""
    if field == "related":
        return [(link["url"], link["title"], link.get("label")) for link in value or ()]
    if isinstance(value, list):
        return [
            item and {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item
            for item in value
        ]
    if field.endswith("_at") and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return value or None

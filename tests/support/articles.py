"""Articles as the tests of the archive need them: whatever does not matter is filled in."""

from datetime import UTC, datetime
from typing import Any

from rfispider.items import Article, Kind
from rfispider.site import urls
from rfispider.text import content_hash

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When an article was published and fetched of which nothing else is said."""


def article_at(url: str, **values: Any) -> Article:
    """An article under a URL; its key, edition and content hash follow from what is given."""
    text = values.get("text", "An invented text.")
    defaults: dict[str, Any] = {
        "key": urls.key(url),
        "url": url,
        "edition": urls.edition(url) or "fr",
        "language": "fr",
        "kind": Kind.ARTICLE,
        "title": "An invented title",
        "text": text,
        "content_hash": content_hash(values.get("lead"), text),
        "published_at": T0,
        "fetched_at": T0,
    }
    return Article(**(defaults | values))

"""What a perfect crawl would store: one JSON object an article."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from replica.story import Story


def record(story: Story) -> dict[str, Any]:
    """The truth about one story; times are ISO 8601 in UTC."""
    return {
        "url": story.url,
        "edition": story.edition,
        "language": story.language,
        "kind": story.kind,
        "section": story.section,
        "programme": story.programme,
        "title": story.title,
        "lead": story.lead,
        "text": story.text,
        "authors": story.authors,
        "agency": story.agency,
        "credits": story.credits,
        "tags": story.tags,
        "published_at": _iso(story.published_at),
        "modified_at": _iso(story.modified_at),
        "images": [{"url": p.url, "caption": p.caption, "credit": p.credit} for p in story.pictures],
        "audio": [{"url": r.url, "duration_s": r.seconds} for r in story.recordings],
        "related": [
            {"url": link.url, "title": link.title, "label": link.label, "position": n}
            for n, link in enumerate(story.related)
        ],
        "short_code": story.short_code,
        "status": story.status,
        **_reach(story),
    }


def _reach(story: Story) -> dict[str, Any]:
    """The fields that no crawl stores: how it is reached, and which others it resembles."""
    return {
        "identity": story.identity,
        "reached_by": story.reached_by,
        "hops": story.hops,
        "in_archive": story.in_archive,
        "listed_on": story.listed_on,
        "duplicate_of": story.duplicate_of,
        "near_duplicate_of": story.near_duplicate_of,
        "overlap": story.overlap,
        "rewriting": story.rewriting,
        "same_title_as": story.same_title_as,
        "twin_of": story.twin_of,
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def lines(stories: Iterable[Story]) -> str:
    """The truth as JSON lines."""
    return "".join(json.dumps(record(story), ensure_ascii=False) + "\n" for story in stories)

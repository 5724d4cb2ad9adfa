"""Archived feed entries: the stories of a site as files in the format in which mirrors keep them."""

from collections.abc import Iterable
from datetime import UTC
from pathlib import Path

from replica.editions import EDITIONS
from replica.feeds import entry_html, epoch_ms, mirrored_title, mirrored_url, seen_at
from replica.story import Story


def entry(story: Story, *, front_matter: bool) -> str:
    """The text of one file."""
    edition = EDITIONS[story.edition]
    url, title, at = mirrored_url(story), mirrored_title(story, edition), seen_at(story)
    top = (
        f'---\nlayout: post\ntitle: "{title}"\ndate: {at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z\n'
        f"author: RFI\nfrom: {url}\ntags: [ RFI ]\ncategories: [ RFI ]\n---\n"
    )
    link = f"<!--{epoch_ms(at)}-->\n[{title}]({url})\n------\n\n"
    html = entry_html(story, edition)
    return (top if front_matter else "") + link + (f"<div>\n{html}\n</div>\n" if front_matter else f"{html}\n")


def write(stories: Iterable[Story], directory: Path) -> int:
    """Write one file a story to `directory`/YYYY-MM/; every other one has front matter. Returns how many."""
    count = 0
    for count, story in enumerate(stories, 1):
        path = directory / f"{story.published_at:%Y-%m}" / f"{story.identity}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(entry(story, front_matter=count % 2 == 0), encoding="utf-8")
    return count

"""What the head of an article page says of it: JSON-LD in its variants, OpenGraph, article times."""

# ruff: noqa: PLR2004 - the odds of a generator are literals beside what they decide

import json
from datetime import UTC, datetime
from html import escape
from random import Random
from typing import Any

from replica.articles import PARIS
from replica.editions import SITE, Edition
from replica.story import Recording, Story

PLACEHOLDER = "https://static.rfi.fr/meta_og_twcards/RFI_FB.png"
"""Picture of every page that has none of its own."""
Json = dict[str, Any]


def printed_title(story: Story) -> str:
    """The title as the site holds it: an entity in it stands escaped once too often."""
    if not story.look.double_escaped:
        return story.title
    letters = [n for n, c in enumerate(story.title) if c.isalpha()]
    at = letters[len(letters) // 2]
    return f"{story.title[:at]}&#{ord(story.title[at])};{story.title[at + 1 :]}"


def head(story: Story, edition: Edition) -> str:
    """HTML of the head: title, description, OpenGraph, times, canonical link, JSON-LD."""
    title = printed_title(story) + edition.suffix
    image = story.pictures[0].url if story.pictures and story.pictures[0].place == "main" else PLACEHOLDER
    named = [
        ("description", story.summary),
        ("twitter:card", "summary_large_image"),
        ("twitter:site", f"@{edition.account}"),
    ]
    properties = [
        ("og:title", title),
        ("og:description", story.summary),
        ("og:type", "article"),
        ("og:url", story.url),
        ("og:image", image),
        ("og:site_name", edition.site),
        ("og:locale", edition.locale),
    ]
    if story.look.linked_data != "bare":
        properties += [
            ("article:published_time", _paris(story.published_at)),
            ("article:modified_time", _paris(story.modified_at)),
        ]
        properties += [("article:tag", tag) for tag in story.tags]
    metas = [f'<meta name="{name}" content="{escape(value)}">' for name, value in named]
    metas += [f'<meta property="{name}" content="{escape(value)}">' for name, value in properties]
    canonical = f'<link rel="canonical" href="{escape(story.url)}">'
    return "\n".join([f"<title>{escape(title)}</title>", *metas, canonical, linked_data(story, edition, image)]) + "\n"


def linked_data(story: Story, edition: Edition, image: str) -> str:
    """The JSON-LD script or scripts in the story's variant."""
    article = _article(story, edition, image)
    site = {"@context": "https://schema.org", "@type": "WebSite", "name": edition.site, "url": SITE + edition.root}
    crumbs = {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": []}
    variant = story.look.linked_data
    if variant == "list":
        return _script(_dumped([_publisher(), article]))
    if variant == "graph":
        parts = [{k: v for k, v in part.items() if k != "@context"} for part in (site, crumbs, article)]
        return _script(_dumped({"@context": "https://schema.org", "@graph": parts}))
    if variant == "scripts":
        return "\n".join(_script(_dumped(part)) for part in (site, article, crumbs))
    if variant == "escaped":
        return _script(escape(_dumped(article)))
    if variant in ("broken", "bare"):
        return _script(_broken(_dumped(article), Random(story.identity)))
    return "" if variant == "none" else _script(_dumped(article))


def _article(story: Story, edition: Edition, image: str) -> Json:
    times = _times(story)
    article: Json = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": story.url},
        "url": story.url,
        "headline": printed_title(story),
        "description": story.summary,
        "datePublished": times[0],
        "dateModified": times[1],
        "publisher": _publisher(),
        "inLanguage": story.language,
        "isPartOf": edition.site,
        "image": {"@type": "ImageObject", "url": image, "width": 1280, "height": 720},
    }
    if story.authors:
        article["author"] = _authors(story)
    if story.tags:
        article["keywords"] = ", ".join(story.tags) if story.look.keywords == "string" else story.tags
    main = [r for r in story.recordings if r.place == "main"]
    if main:
        article["audio"] = _audio(main[0])
    return article


def _times(story: Story) -> tuple[str, str]:
    both = (story.published_at, story.modified_at)
    if Random(f"times/{story.identity}").random() < 0.5:
        return _paris(both[0]), _paris(both[1])
    published, modified = (at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in both)
    return published, modified


def _authors(story: Story) -> Any:
    people = [_author(name) for name in story.authors]
    if story.look.authors == "names":
        return story.authors
    if len(people) == 1 and story.look.authors == "object":
        return people[0]
    if len(people) == 1 and story.look.authors == "string":
        return story.authors[0]
    return people


def _author(name: str) -> Json:
    return {"@type": "Organization" if name == "RFI" else "Person", "name": name}


def _audio(recording: Recording) -> Json:
    audio: Json = {"@type": "AudioObject", "contentUrl": recording.url, "encodingFormat": "audio/mpeg"}
    if recording.seconds is not None:
        audio["duration"] = f"PT{recording.seconds // 60}M{recording.seconds % 60}S"
    return audio


def _publisher() -> Json:
    logo = {"@type": "ImageObject", "url": "https://static.rfi.fr/logo.png"}
    return {"@context": "https://schema.org", "@type": "NewsMediaOrganization", "name": "RFI", "logo": logo}


def _paris(at: datetime) -> str:
    return at.astimezone(PARIS).isoformat()


def _dumped(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False).replace("</", "<\\/")


def _broken(text: str, random: Random) -> str:
    """JSON that no strict parser reads: cut off, or a quotation mark inside a string."""
    return text[: len(text) * 2 // 3] if random.random() < 0.5 else text.replace('"headline": "', '"headline": "" ', 1)


def _script(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'

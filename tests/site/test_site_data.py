import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rfispider
from rfispider.items import Kind
from rfispider.site import editions, hosts, selectors, urls
from rfispider.site.editions import EDITIONS, Edition

PACKAGE = Path(rfispider.__file__).parent
SITE_DATA = {Path(module.__file__) for module in (editions, hosts, selectors)}
OTHER_MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path not in SITE_DATA)

SITE_HOST = re.compile(r"\brfi\.(?:fr|my)\b|\bfrance24\.com\b|\bfeedx\b", re.IGNORECASE)
TEMPLATE_CLASS = re.compile(
    r"(?<![\w-])(?:[amotu]-[a-z]{2,}(?:-[a-z]+)*|[a-z]+(?:-[a-z]+)*__[a-z]+)(?![\w-])|data-article"
)
"""Classes in the manner of the site's template (t-content, m-tags-list, article__title) and its attributes."""

ALL_EDITIONS = EDITIONS.values()
WORDS = {
    word
    for edition in ALL_EDITIONS
    for words in (
        (edition.sections, edition.more_sections, edition.live_feeds, edition.programme_roots, edition.archive_months),
        (edition.tag_roots, edition.author_roots, edition.video_roots, edition.live_pages, edition.utility_pages),
        (edition.related_words, (edition.archive_root or "",)),
    )
    for several in words
    for word in several
} - {""}
ENGLISH = {*EDITIONS["en"].sections, *EDITIONS["en"].more_sections, *map(str, Kind)}
"""Words that also mean something outside the paths of the site."""
ENGLISH |= {"tag", "author", "partners", "applications", "live", "videos", "direct", "podcasts", "archives"}
PATH_WORDS = {word for word in WORDS if word.lower() not in ENGLISH}


def constants(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings and bytes of a module that are not documentation."""
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in documentation:
            yield node


def site_knowledge(text: str) -> str | None:
    """What a string knows of the site alone; None if nothing."""
    if found := SITE_HOST.search(text) or TEMPLATE_CLASS.search(text):
        return found[0]
    parts = set(re.split(r"[/\s\"'?#]+", text))
    if known := parts & PATH_WORDS:
        return min(known)
    if "/" in text and text != "/" and (codes := {f"/{code}/" for code in EDITIONS if f"/{code}/" in text}):
        return min(codes)
    return next((word for word in PATH_WORDS if not word.isascii() and len(word) > 3 and word in text), None)


@pytest.mark.parametrize("path", OTHER_MODULES, ids=[str(path.relative_to(PACKAGE)) for path in OTHER_MODULES])
def test_what_is_true_only_of_the_site_stands_in_one_module(path: Path) -> None:
    found = []
    for node in constants(ast.parse(path.read_text("utf-8"))):
        text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        if knowledge := site_knowledge(text):
            found.append(f"line {node.lineno}: {knowledge}")
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "https://www.rfi.fr",
        "cn.rfi.fr",
        "div.t-content__body > p",
        "m-tags-list",
        "//*[contains(@class, 'o-self-promo')]",
        "article__title",
        "[data-article-list]",
        "/cn/rss",
        "/fr/podcasts/",
        "档案资料库",
        "同一主题",
        "arquivos",
        "en-vivo",
    ],
)
def test_site_knowledge_is_recognised_wherever_it_stands(text: str) -> None:
    assert site_knowledge(text)


@pytest.mark.parametrize(
    "text", ["utf-8", "a-b", "article/new", "og:title", "//", "text/html", "video", "no-cache", "__name__", "x-y"]
)
def test_ordinary_strings_are_not_taken_for_site_knowledge(text: str) -> None:
    assert site_knowledge(text) is None


def test_the_sixteen_editions_are_all_there() -> None:
    assert set(EDITIONS) == {
        *["fr", "en", "es", "pt", "br", "cn", "tw", "ru"],
        *["uk", "fa", "vi", "km", "sw", "ha", "ma", "ff"],
    }


@pytest.mark.parametrize("edition", ALL_EDITIONS, ids=list(EDITIONS))
def test_every_source_of_an_edition_is_read_as_what_it_is_said_to_be(edition: Edition) -> None:
    kinds = {
        "feed": Kind.FEED,
        "section-feed": Kind.FEED,
        "sitemap": Kind.SITEMAP,
        "front": Kind.FRONT,
        "live-feed": Kind.LIVE_FEED,
        "section": Kind.SECTION,
    }
    for source in edition.sources + edition.section_feeds:
        assert urls.kind(source.url) is kinds[source.role]
        bare = source.role == "section-feed" and not source.url.startswith(edition.front)
        assert urls.edition(source.url) == (None if bare else edition.code)
    assert [source.role for source in edition.sources[:3]] == ["feed", "sitemap", "front"]


@pytest.mark.parametrize("edition", ALL_EDITIONS, ids=list(EDITIONS))
def test_the_words_of_an_edition_mean_what_they_are_listed_for(edition: Edition) -> None:
    kinds = {
        Kind.SECTION: edition.sections + edition.more_sections + edition.programme_roots + edition.video_roots,
        Kind.LIVE_FEED: edition.live_feeds,
        Kind.LIVE: edition.live_pages,
        Kind.UTILITY: edition.utility_pages,
    }
    for kind, words in kinds.items():
        for word in words:
            assert {urls.kind(f"{edition.front}{word}{end}") for end in ("", "/")} == {kind}, word


def test_a_word_is_listed_once_in_its_edition() -> None:
    for edition in ALL_EDITIONS:
        words = [*edition.sections, *edition.more_sections, *edition.live_feeds, *edition.programme_roots]
        words += [*edition.video_roots, *edition.live_pages, *edition.utility_pages]
        assert sorted(words) == sorted(set(words)), edition.code

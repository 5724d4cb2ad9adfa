"""The documentation for developers is true: its paths exist, and the words of the code are explained."""

import re
from pathlib import Path

import pytest

from tests.support.crawling import ROOT
from tests.support.rooms import classes, faces

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATH_IN_CODE = re.compile(
    r"`((?:rfispider|replica|tests|benchmarks|docs|deploy|\.ci|\.github)/[\w./-]*|"
    r"(?:site|mongo|concurrency|feeds|extract|frontier|storage|monitoring|jobs|crawl|cli)/[\w./-]*)`"
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = PATH_IN_CODE.findall(page.read_text("utf-8"))
    lasting = [path for path in named if not path.startswith("deploy/secrets/")]  # made by deploy/make-secrets
    assert not [path for path in lasting if not any((base / path).exists() for base in (ROOT, ROOT / "rfispider"))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert not [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]


def test_every_class_that_a_room_shows_to_others_is_in_the_glossary() -> None:
    explained = set(re.findall(r"`(\w+)`", GLOSSARY))
    assert sorted(faces() - explained) == []


def test_every_class_in_the_glossary_is_one_of_the_code() -> None:
    explained = set(re.findall(r"`([A-Z][a-z]\w+)`", GLOSSARY))
    assert sorted(explained - classes()) == []


def test_every_decision_is_listed_and_says_what_why_and_what_else() -> None:
    pages = sorted(path.name for path in DECISIONS.glob("*.md") if path.name != "README.md")
    assert pages == sorted(LINK.findall((DECISIONS / "README.md").read_text("utf-8")))
    for page in pages:
        headings = re.findall(r"^\*\*(.+?)\.\*\*", (DECISIONS / page).read_text("utf-8"), re.MULTILINE)
        assert headings == [
            "What",
            "Why",
            "What it costs",
            "What else was considered",
            "What would change our mind",
        ], page

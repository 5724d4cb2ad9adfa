"""The quality gate: nothing that is stored may be less right than `benchmarks/floors.toml` says."""

import json
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from replica.grading import FIELDS, grade
from tests.support.crawling import ROOT, crawl, let_claims_be_confirmed, serving

FLOORS = tomllib.loads((ROOT / "benchmarks" / "floors.toml").read_text("utf-8"))
WHOLE_SITE = ("-a", "editions=all", "-a", "depth=-1", "-s", "RFI_FOLLOW_TOPICS=1", "-s", "RFI_LIST_PAGES=0")
ARTICLES = 30
"""In each edition."""
REAL_DOCUMENTS = 1500


@pytest.fixture(scope="module")
def shares(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """Shares of right values by edition and field, after a crawl of the whole generated site and a second look."""
    options = ("--editions", "all", "--articles", str(ARTICLES))
    with (
        serving(tmp_path_factory.mktemp("site"), *options) as site,
        MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client,
    ):
        run = crawl(mongo_uri, "test_quality", *WHOLE_SITE, RFI_BASE_URL=site.base)
        assert run.returncode == 0, run.stderr
        let_claims_be_confirmed(client["test_quality"])
        again = crawl(mongo_uri, "test_quality", *WHOLE_SITE, RFI_BASE_URL=site.base)
        assert again.returncode == 0, again.stderr
        graded = grade(site.truth(), client["test_quality"].articles.find())
        client.drop_database("test_quality")
    return graded


def test_every_field_of_the_truth_has_a_floor() -> None:
    assert set(FLOORS["replica"]) == {"found", *FIELDS}


def test_the_generated_site_has_every_edition(shares: dict[str, dict[str, float]]) -> None:
    assert len(shares) == 16


@pytest.mark.parametrize("field", FLOORS["replica"])
def test_the_generated_site_is_stored_as_right_as_ever_in_every_edition(
    shares: dict[str, dict[str, float]], field: str
) -> None:
    floor = FLOORS["replica"][field]
    assert {edition: marks[field] for edition, marks in shares.items() if marks[field] < floor} == {}


@pytest.fixture(scope="module")
def judged(mongo_uri: str, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Shares of right values of real documents, as an independent reading of them sees it."""
    directory = tmp_path_factory.mktemp("documents")
    unpack(shared / "corpus" / "rfi-cn-docs.tar.gz", directory)
    run = crawl(mongo_uri, "test_quality_real", "-a", f"archive={directory}", "-a", "depth=0")
    assert run.returncode == 0, run.stderr
    judge = [sys.executable, str(shared / "tools" / "quality.py"), str(directory)]
    where = ["--uri", mongo_uri, "--database", "test_quality_real"]
    said = subprocess.run([*judge, *where], capture_output=True, text=True, check=True).stdout
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database("test_quality_real")
    values: dict[str, float] = json.loads(said.splitlines()[0])
    return values | {"found": values["found"] / values["documents"]}


def unpack(packed: Path, directory: Path) -> None:
    """Documents from the whole archive, evenly, as many as are wanted."""
    with tarfile.open(packed) as archive:
        members = [member for member in archive if member.isfile()]
        step = len(members) // REAL_DOCUMENTS
        for number, member in enumerate(members[::step][:REAL_DOCUMENTS]):
            stream = archive.extractfile(member)
            assert stream
            (directory / f"{number:05}.md").write_bytes(stream.read())


@pytest.mark.parametrize("measure", FLOORS["archive"])
def test_real_documents_are_stored_as_right_as_ever(judged: dict[str, float], measure: str) -> None:
    assert judged[measure] >= FLOORS["archive"][measure]

"""How right stored articles are, against the floors of `floors.toml`.

    python benchmarks/quality.py [--articles 40] [--shared ../shared] [--pages 400] [--documents 0]

Crawls the generated site with every edition into a database of its own and prints the share of right values, field by
edition. Where ../shared is, imports its real documents with `archive=` (--documents of them, 0 is all) and crawls
--pages of them (0 is all) as pages, and judges both by ../shared/tools/quality.py. Exit status 1: something is
under its floor.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path
from typing import Any

import stage
from pymongo import MongoClient
from rich.console import Console
from rich.table import Table

from replica.grading import grade
from tests.support.crawling import let_claims_be_confirmed

Shares = dict[str, float]
say = Console(width=200, highlight=False).print


# ---- the generated site ----------------------------------------------------------------------------------


def replica_shares(uri: str, articles: int) -> dict[str, Shares]:
    """Crawl the whole generated site; the shares of right values by edition and field."""
    with (
        tempfile.TemporaryDirectory() as directory,
        stage.serving(Path(directory), "--editions", "all", "--articles", str(articles)) as site,
    ):
        demand_success(stage.crawl(uri, "replica", *stage.WHOLE_SITE, RFI_BASE_URL=site.base))
        with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
            let_claims_be_confirmed(client["replica"])
            demand_success(stage.crawl(uri, "replica", *stage.WHOLE_SITE, RFI_BASE_URL=site.base))
            return grade(site.truth(), client["replica"].articles.find())


def demand_success(run: "subprocess.CompletedProcess[str]") -> None:
    """Tell the crawl's last line; exit when it failed."""
    lines = run.stderr.strip().splitlines()
    say(f"[dim]{lines[-1] if lines else 'no log'}[/]")
    if run.returncode:
        sys.exit("\n".join(lines[-20:]))


def edition_table(shares: dict[str, Shares], floors: Shares) -> Table:
    """Field by edition; what is under its floor is red."""
    table = Table("field", "floor", *shares, title="Generated site: share of right values")
    for field, floor in floors.items():
        cells = [cell(marks.get(field, 0.0), floor) for marks in shares.values()]
        table.add_row(field, f"{floor:g}", *cells)
    return table


def cell(share: float, floor: float) -> str:
    """A share, red when it is under its floor."""
    return f"{share:.5g}" if share >= floor else f"[red]{share:.4f}[/]"


# ---- real documents --------------------------------------------------------------------------------------


def archive_shares(uri: str, shared: Path, limit: int) -> Shares:
    """Import real documents; the shares as the independent reading sees them."""
    with tempfile.TemporaryDirectory() as directory:
        documents = unpacked(shared, Path(directory), limit) if limit else stage.corpus(shared)
        demand_success(stage.crawl(uri, "archive", "-a", f"archive={documents}", "-a", "depth=0"))
        return told(stage.judged(shared, documents, uri, "archive"))


def unpacked(shared: Path, directory: Path, limit: int) -> Path:
    """The first documents as files."""
    for number, document in enumerate(stage.real_documents(shared, limit)):
        (directory / f"{number:05}.md").write_text(document, encoding="utf-8")
    return directory


def page_shares(uri: str, shared: Path, limit: int) -> tuple[Shares, Shares]:
    """Crawl real documents as pages; the shares as told, and those of agency and credits where a page carries them."""
    with stage.corpus_site(shared, limit) as base:
        options = ("-a", f"sources={base}/cn/rss", "-a", "depth=-1")
        demand_success(stage.crawl(uri, "pages", *options, RFI_BASE_URL=base))
    shares = told(stage.judged(shared, stage.corpus(shared), uri, "pages", limit))
    return shares, carried_shares(uri, shared, limit)


def told(judged: dict[str, Any]) -> Shares:
    """The line as printed, and its shares: `found` becomes one."""
    say(json.dumps(judged))
    shares = {name: value for name, value in judged.items() if isinstance(value, float)}
    return shares | {"found": judged["found"] / judged["documents"]}


def carried_shares(uri: str, shared: Path, limit: int) -> Shares:
    """Shares of right agencies and credits over the documents whose page prints them."""
    corpus_site, reference = stage.tools(shared)
    with MongoClient[dict[str, Any]](uri) as client:
        stored = {
            corpus_site.path_of(url): document
            for document in client["pages"].articles.find()
            for url in (document["url"], *document.get("aliases", ()))
        }
    right: dict[str, list[bool]] = {"agency": [], "credits": []}
    truths: dict[str, tuple[str, Any]] = {}
    for document in stage.real_documents(shared, -1):
        if limit and len(truths) == limit:
            break
        truth = reference.read(document)
        truths.setdefault(corpus_site.path_of(truth.url), (document, truth))
    for path, (document, truth) in truths.items():
        printed = corpus_site.page(document, truth, ("", ""), []).decode()
        found = stored.get(path, {})
        if truth.agency and "t-copyright" in printed:
            right["agency"].append(found.get("agency") == truth.agency)
        if truth.credits and truth.credits in plain(printed, reference):
            right["credits"].append(reference.squash(found.get("credits") or "") == truth.credits)
    say({name: f"{sum(marks)} of {len(marks)} pages that carry it" for name, marks in right.items()})
    return {name: sum(marks) / len(marks) for name, marks in right.items() if marks}


def plain(printed: str, reference: Any) -> str:
    """The text of a page on one line."""
    return str(reference.squash(unescape(re.sub(r"<[^>]+>", "", printed))))


def document_table(title: str, shares: Shares, carried: Shares, floors: Shares) -> Table:
    """Measure, floor, share, and the share over the pages that carry the value at all."""
    table = Table("measure", "floor", "share", "where carried", title=title)
    for name, floor in floors.items():
        judged = cell(carried[name], floor) if name in carried else ""
        share = f"{shares.get(name, 0.0):.5g}" if judged else cell(shares.get(name, 0.0), floor)
        table.add_row(name, f"{floor:g}", share, judged)
    return table


# ---- all of it -------------------------------------------------------------------------------------------


def holds(shares: Shares, floors: Shares) -> bool:
    """Whether nothing is under its floor."""
    return all(shares.get(name, 0.0) >= floor for name, floor in floors.items())


def main() -> int:
    """Crawl, judge, print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=40, help="in each edition of the generated site")
    parser.add_argument("--shared", type=Path, default=stage.SHARED)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--documents", type=int, default=0)
    options = parser.parse_args()
    with stage.database() as uri:
        shares = replica_shares(uri, options.articles)
        say(edition_table(shares, stage.floors("replica")))
        fine = [holds(marks, stage.floors("replica")) for marks in shares.values()]
        if stage.has_corpus(options.shared):
            archived = archive_shares(uri, options.shared, options.documents)
            say(document_table("Real documents as archived entries", archived, {}, stage.floors("archive")))
            crawled, carried = page_shares(uri, options.shared, options.pages)
            say(document_table("Real documents as pages", crawled, carried, stage.floors("pages")))
            fine += [holds(archived, stage.floors("archive")), holds(crawled | carried, stage.floors("pages"))]
        else:
            say(f"no real documents in {options.shared}")
    return not all(fine)


if __name__ == "__main__":
    sys.exit(main())

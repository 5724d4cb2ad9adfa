"""Hooks of MkDocs: the pages of the root, and one page for each room, are part of the site."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {
    "index.md": "README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
"""Page of the site -> file of the root."""
ROOMS = (
    "site",
    "mongo",
    "concurrency",
    "feeds",
    "extract",
    "frontier",
    "storage",
    "monitoring",
    "jobs",
    "crawl",
    "cli",
)
RECORDS = ("items", "settings", "text")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for uri, name in ROOT_PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / name)))
    licence = f"# License\n\n```\n{(ROOT / 'LICENSE').read_text('utf-8')}```\n"
    files.append(File.generated(config, "LICENSE.md", content=licence))
    for name in (*ROOMS, *RECORDS):
        files.append(File.generated(config, f"api/{name}.md", content=f"# {name}\n\n::: rfispider.{name}\n"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - the signature is that of MkDocs
    """Let links between the root and docs/ lead to the pages of the site."""
    if page.file.src_uri in ROOT_PAGES:
        return markdown.replace("](docs/", "](").replace("](LICENSE)", "](LICENSE.md)")
    to_root = re.sub(r"\]\((?:\.\./)+README\.md", f"]({'../' * page.file.src_uri.count('/')}index.md", markdown)
    return re.sub(r"\]\((?:\.\./)+(SECURITY|CONTRIBUTING|CHANGELOG)\.md", r"](\1.md", to_root)

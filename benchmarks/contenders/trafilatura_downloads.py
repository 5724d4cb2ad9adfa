"""trafilatura alone: its parallel downloader (threads), its extraction with metadata, an upsert."""

import trafilatura
from task import IN_FLIGHT, Task, document, upsert, utc
from trafilatura.downloads import buffered_downloads
from trafilatura.settings import DEFAULT_CONFIG

DEFAULT_CONFIG.set("DEFAULT", "SSRF_PROTECTION", "off")
"""The site is on this machine."""


def main() -> None:
    """Fetch, read, store."""
    task = Task.given()
    articles = task.articles()
    for url, page in buffered_downloads(task.urls(), IN_FLIGHT):
        found = trafilatura.bare_extraction(page, url=url, with_metadata=True) if page else None
        if found:
            told = {"title": found.title, "lead": found.description, "text": found.text, "image": found.image}
            upsert(articles, document(task.base, url, {**told, "published_at": utc(found.date)}))


if __name__ == "__main__":
    main()

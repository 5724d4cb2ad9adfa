"""news-please by its library interface: `NewsPlease.from_urls`, which fetches with threads and reads with all cores.

It starts a thread a URL and a pool of processes a call, so it is given a batch of URLs a call, and not all at once.
"""

from newsplease import NewsPlease  # type: ignore[import-not-found]
from task import Task, document, upsert, utc

BATCH = 100


def main() -> None:
    """Fetch, read, store."""
    task = Task.given()
    urls, articles = task.urls(), task.articles()
    for start in range(0, len(urls), BATCH):
        # Without a timeout it raises on its own default.
        read = NewsPlease.from_urls(urls[start : start + BATCH], request_args={"timeout": 60}, fetch_images=False)
        for url, found in read.items():
            if found:
                upsert(articles, document(task.base, url, fields(found)))


def fields(found: object) -> dict[str, object]:
    """The article's fields in the answer of news-please."""
    told = {"title": "title", "lead": "description", "text": "maintext", "image": "image_url"}
    values = {ours: getattr(found, theirs) for ours, theirs in told.items()}
    return {**values, "published_at": utc(getattr(found, "date_publish", None))}


if __name__ == "__main__":
    main()

"""The worker of `extract.py` for peers that live in an environment of their own; needs nothing of the project.

    peer.py newspaper4k|news-please

Reads one JSON object a line, {"url", "html", "language"}; answers each with {"ms", "text"}: CPU milliseconds and body.
The first line it writes is {"version"}, or {"error"} when the peer cannot be imported. Neither may fetch pictures.
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any


def newspaper4k() -> Callable[[str, str, str], str]:
    """The extractor of newspaper4k."""
    import newspaper  # type: ignore[import-not-found] # noqa: PLC0415 - only where it was asked for

    def read(html: str, url: str, language: str) -> str:
        article = newspaper.Article(url, language=language, fetch_images=False)
        article.download(input_html=html)
        article.parse()
        return str(article.text or "")

    return read


def news_please() -> Callable[[str, str, str], str]:
    """The extractor of news-please."""
    from newsplease import NewsPlease  # type: ignore[import-not-found] # noqa: PLC0415 - only where it was asked for

    def read(html: str, url: str, _: str) -> str:
        return str(NewsPlease.from_html(html, url=url, fetch_images=False).maintext or "")

    return read


PEERS = {"newspaper4k": newspaper4k, "news-please": news_please}


def answer(read: Callable[[str, str, str], str], asked: dict[str, str]) -> dict[str, Any]:
    """The text of one page and its cost; no text when the peer raises."""
    started = time.process_time()
    try:
        text = read(asked["html"], asked["url"], asked["language"])
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
        text = ""
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    return {"ms": (time.process_time() - started) * 1000, "text": text}


def main() -> None:
    """Answer until the input ends."""
    out, name = sys.stdout, sys.argv[1]
    with redirect_stdout(sys.stderr):
        try:
            read = PEERS[name]()
            first = {"version": importlib.metadata.version(name)}
        except Exception as error:  # noqa: BLE001 - an import may fail in any way
            first = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(first), file=out, flush=True)
        for line in sys.stdin if "version" in first else ():
            print(json.dumps(answer(read, json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main()

"""`python -m replica`: serve the generated site, or write its truth or its archive."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from replica import archive, truth
from replica.editions import EDITIONS
from replica.faults import Faults
from replica.site import NOON, Site


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m replica", description="A generated RFI with ground truth and faults.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the site on 127.0.0.1")
    _site_options(serve)
    serve.add_argument("--port", type=int, default=0, help="0 picks a free one, which is printed (default: 0)")
    serve.add_argument("--log", type=Path, help="one line a request: time, method, status, bytes, path, user agent")
    serve.add_argument("--truth", type=Path, help="write the truth there before serving")
    serve.add_argument("--crawl-delay", type=float, help="seconds, told in robots.txt")
    _fault_options(serve)
    write = commands.add_parser("truth", help="write what a perfect crawl would store, one JSON object an article")
    _site_options(write)
    write.add_argument("--out", type=Path, help="file (default: standard output)")
    files = commands.add_parser("archive", help="write the articles as archived feed entries")
    _site_options(files)
    files.add_argument("directory", type=Path)
    files.add_argument("--truth", type=Path, help="write the truth there too")
    return top


def _site_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=1, help="same seed, same site (default: 1)")
    command.add_argument(
        "--editions",
        type=_editions,
        default=["cn", "fr", "en"],
        metavar="A,B",
        help="cn,fr,... or all (default: cn,fr,en)",
    )
    command.add_argument("--articles", type=int, default=60, help="in each edition (default: 60)")
    command.add_argument(
        "--clock", type=_clock, default="fixed", metavar="TIME",
        help="the site's present: fixed, now, or an ISO 8601 time; another one gives another site (default: fixed)",
    )  # fmt: skip


def _fault_options(command: argparse.ArgumentParser) -> None:
    faults = command.add_argument_group(
        "faults", "Each can be changed later: POST JSON with the same names to /__control__."
    )
    faults.add_argument("--latency-ms", type=float, default=0.0, help="wait before every answer")
    faults.add_argument("--block-above-rps", type=float, help="refuse articles and sitemaps above this rate")
    faults.add_argument("--block-status", type=int, default=403, help="status of a refusal (default: 403)")
    faults.add_argument("--block-for-s", type=float, default=0.0, help="how long to refuse once the rate was exceeded")
    faults.add_argument("--retry-after-s", type=int, help="Retry-After of refusals, in seconds")
    faults.add_argument("--block-pages", action="store_true", help="refuse all articles and sitemaps; feeds are fine")
    faults.add_argument("--block-lists", action="store_true", help="refuse lists where articles are refused")
    faults.add_argument("--consent", action="store_true", help="answer articles with a wall and status 200")
    faults.add_argument(
        "--hang", action="append", default=[], metavar="URL", help="never answer this one; may be repeated"
    )
    faults.add_argument("--gone", action="append", default=[], metavar="URL", help="answer 410; may be repeated")


def _editions(text: str) -> list[str]:
    codes = list(EDITIONS) if text == "all" else [code for code in text.split(",") if code]
    unknown = [code for code in codes if code not in EDITIONS]
    if unknown or not codes:
        raise argparse.ArgumentTypeError(
            f"no such edition: {', '.join(unknown) or text!r}; known: {', '.join(EDITIONS)}"
        )
    return codes


def _clock(text: str) -> Callable[[], datetime]:
    if text == "now":
        return lambda: datetime.now(UTC)
    at = NOON if text == "fixed" else datetime.fromisoformat(text)
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return lambda: aware


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    options = parser().parse_args(arguments)
    site = Site(
        seed=options.seed,
        editions=options.editions,
        articles_per_edition=options.articles,
        clock=options.clock,
        crawl_delay=getattr(options, "crawl_delay", None),
    )
    told = getattr(options, "out", None) or getattr(options, "truth", None)
    if told:
        told.write_text(truth.lines(site.stories), encoding="utf-8")
    elif options.command == "truth":
        sys.stdout.write(truth.lines(site.stories))
    if options.command == "archive":
        sys.stdout.write(f"wrote {archive.write(site.stories, options.directory)} entries to {options.directory}\n")
    return _serve(site, options) if options.command == "serve" else 0


def _serve(site: Site, options: argparse.Namespace) -> int:
    from replica.server import CannotListenError, Server, listen, reactor  # noqa: PLC0415 - installs the reactor

    faults = Faults(**{name: getattr(options, name) for name in Faults.names()})
    with contextlib.ExitStack() as stack:
        log: TextIO | None = stack.enter_context(options.log.open("a", encoding="utf-8")) if options.log else None
        try:
            port, _ = listen(Server(site, faults, log), options.port)
        except CannotListenError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"serving {len(site.stories)} articles on http://127.0.0.1:{port}/\n")
        sys.stdout.flush()
        reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

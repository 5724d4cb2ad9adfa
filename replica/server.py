"""The HTTP server on the loopback interface: documents, conditional requests, faults, control and truth."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, TextIO, TypeAlias, cast
from urllib.parse import quote, unquote_to_bytes

from twisted.internet import reactor as _reactor
from twisted.internet.error import CannotListenError
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.server import Site as HttpSite

from replica import lists, truth
from replica.document import Document
from replica.faults import Fault, Faults
from replica.site import Redirect, Site
from replica.story import canonical

reactor = cast("Any", _reactor)
Exchange: TypeAlias = Any
"""A request of Twisted, whose methods carry no types."""
INTERFACE = "127.0.0.1"
_JSON = b"application/json; charset=utf-8"

__all__ = ["CannotListenError", "Server", "listen", "reactor"]


class Server(Resource):
    """Answers every path of a site."""

    isLeaf = True  # noqa: N815 - named by Twisted

    def __init__(self, site: Site, faults: Faults, log: TextIO | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.site, self.faults, self.log = site, faults, log

    def render(self, request: Request) -> int:
        """Twisted's entry: one request of any method."""
        path = _path(request)
        if path in ("/__control__", "/__truth__"):
            self._private(request, path)
            return NOT_DONE_YET
        started = time.time()
        found = self.site.answer(path)
        kind = found.kind if isinstance(found, Document) else None
        fault = self.faults.decide(path, kind, time.monotonic())

        def answer() -> None:
            self._answer(request, found, fault, started)

        if fault and fault.status == 0:
            self._note(request, started, 0, 0)
            request.notifyFinish().addErrback(lambda _: None)
        elif self.faults.latency_ms:
            call = reactor.callLater(self.faults.latency_ms / 1000, answer)
            request.notifyFinish().addErrback(lambda _: call.active() and call.cancel())
        else:
            answer()
        return NOT_DONE_YET

    def _answer(
        self, request: Exchange, found: Document | Redirect | None, fault: Fault | None, started: float
    ) -> None:
        if request.method not in (b"GET", b"HEAD"):
            body = self._plain(request, http.NOT_ALLOWED, b"")
        elif fault:
            body = self._faulty(request, fault)
        elif isinstance(found, Redirect):
            request.setHeader(b"location", quote(found.path).encode())
            body = self._plain(request, http.MOVED_PERMANENTLY, b"")
        elif found is None:
            body = self._plain(request, http.NOT_FOUND, lists.not_found())
        else:
            body = _document(request, found)
        request.setHeader(b"content-length", str(len(body)).encode())
        sent = 0 if request.method == b"HEAD" else len(body)
        if sent and request.code != http.NOT_MODIFIED:
            request.write(body)
        request.finish()
        self._note(request, started, request.code, sent)

    def _plain(self, request: Exchange, status: int, body: bytes) -> bytes:
        request.setResponseCode(status)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        return body

    def _faulty(self, request: Exchange, fault: Fault) -> bytes:
        if fault.retry_after_s is not None:
            request.setHeader(b"retry-after", str(fault.retry_after_s).encode())
        if fault.status == http.OK:
            return self._plain(request, fault.status, lists.blocked())
        return self._plain(request, fault.status, lists.not_found())

    def _note(self, request: Exchange, started: float, status: int, size: int) -> None:
        if self.log:
            agent = request.getHeader("user-agent") or "-"
            uri = request.uri.decode("utf-8", "replace")
            line = "\t".join((f"{started:.6f}", request.method.decode(), str(status), str(size), uri, agent))
            self.log.write(line + "\n")
            self.log.flush()

    # ---- Control -------------------------------------------------------------------------------------------

    def _private(self, request: Exchange, path: str) -> None:
        """The truth as it is now, or a change of what is to come."""
        if path == "/__truth__":
            body, kind = truth.lines(self.site.stories).encode(), b"application/x-ndjson; charset=utf-8"
        else:
            body, kind = self._control(request), _JSON
        request.setHeader(b"content-type", kind)
        request.setHeader(b"content-length", str(len(body)).encode())
        request.write(body)
        request.finish()

    def _control(self, request: Exchange) -> bytes:
        try:
            commands = json.loads(request.content.read() or b"{}")
            return json.dumps(self.control(commands), ensure_ascii=False).encode()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            request.setResponseCode(http.BAD_REQUEST)
            return json.dumps({"error": f"{type(error).__name__}: {error}"}, ensure_ascii=False).encode()

    def control(self, commands: dict[str, Any]) -> dict[str, Any]:
        """Carry out `reset`, `edit`, `publish` and settings of faults; what was done, and the settings now in force.

        Raises ValueError and KeyError for what cannot be done.
        """
        if not isinstance(commands, dict):
            raise TypeError("commands are an object")
        done: dict[str, Any] = {}
        commands = dict(commands)
        if commands.pop("reset", False):
            self.faults.set({name: getattr(Faults(), name) for name in Faults.names()})
        edits = commands.pop("edit", [])
        published = commands.pop("publish", None)
        self.faults.set(commands)
        for edit in edits:
            self.site.edit(edit["url"], edit["how"])
        done["edited"] = [canonical(self.site.find(edit["url"]).path) for edit in edits]
        if published is not None:
            order = published if isinstance(published, dict) else {"n": published}
            done["published"] = [story.url for story in self.site.publish(int(order["n"]), order.get("edition"))]
        return done | {"faults": self.faults.current()}


def _path(request: Exchange) -> str:
    """The decoded path of a request; the query is ignored, and so is the host of a request made to a proxy."""
    target = request.uri.split(b"?", 1)[0]
    if target.startswith((b"http://", b"https://")):
        target = b"/" + target.split(b"/", 3)[3] if target.count(b"/") > 2 else b"/"  # noqa: PLR2004 - after the host
    return unquote_to_bytes(target).decode("utf-8", "replace")


def _document(request: Exchange, document: Document) -> bytes:
    """The body to send; sets status and headers."""
    modified = format_datetime(document.modified.astimezone(UTC), usegmt=True)
    request.setHeader(b"etag", document.etag.encode())
    request.setHeader(b"last-modified", modified.encode())
    request.setHeader(b"vary", b"Accept-Encoding")
    request.setHeader(b"content-type", document.content_type.encode())
    if _unchanged(request, document):
        request.setResponseCode(http.NOT_MODIFIED)
        return b""
    request.setResponseCode(http.OK)
    if "gzip" in (request.getHeader("accept-encoding") or ""):
        request.setHeader(b"content-encoding", b"gzip")
        return document.gzipped()
    return document.raw()


def _unchanged(request: Exchange, document: Document) -> bool:
    """Whether the client has the document already; a validator by name outweighs one by time (RFC 9110, 13.2.2)."""
    known = request.getHeader("if-none-match")
    if known is not None:
        return document.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")) or known.strip() == "*"
    since = request.getHeader("if-modified-since")
    try:
        return bool(since) and document.modified <= _aware(parsedate_to_datetime(since or ""))
    except ValueError:
        return False


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def listen(server: Server, port: int = 0) -> tuple[int, Callable[[], Any]]:
    """Listen on the loopback interface; the port, and what stops it. Raises CannotListenError.

    The reactor is the caller's to run.
    """
    factory = HttpSite(server)  # type: ignore[no-untyped-call]
    factory.displayTracebacks = False
    bound = reactor.listenTCP(port, factory, backlog=512, interface=INTERFACE)
    return int(bound.getHost().port), bound.stopListening

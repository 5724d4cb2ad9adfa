"""How the server misbehaves: a pure decision for each request, from what was asked for and what was set."""

from collections import deque
from dataclasses import dataclass, field, fields
from typing import Any

from replica.site import decoded

GUARDED = ("article", "sitemap")
"""Kinds of documents that the site keeps from crawlers; its feeds and robots.txt it gives to anybody."""
GONE = 410


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is answered instead of the document."""

    status: int
    """HTTP status; 0: never any answer; 200: a wall in place of the page."""
    retry_after_s: int | None = None


@dataclass(kw_only=True)
class Faults:
    """Settings of the control endpoint, by name."""

    latency_ms: float = 0.0
    """Waited before every answer."""
    block_above_rps: float | None = None
    """Most guarded requests in any one second; what is asked beyond is refused."""
    block_status: int = 403
    block_for_s: float = 0.0
    """How long everything guarded is refused once the rate was exceeded."""
    retry_after_s: int | None = None
    """Told with refusals; None: no header."""
    block_pages: bool = False
    """Refuse every article page and sitemap, whatever the rate."""
    block_lists: bool = False
    """Refuse lists too where articles are refused."""
    consent: bool | list[str] = False
    """Answer all articles, or those of the list, with a wall and status 200."""
    hang: list[str] = field(default_factory=list)
    """URLs or paths that never answer."""
    gone: list[str | dict[str, Any]] = field(default_factory=list)
    """URLs or paths that answer 410, or {"url": ..., "status": ...}."""

    def __post_init__(self) -> None:
        self._recent: deque[float] = deque()
        self._blocked_until = float("-inf")

    @classmethod
    def names(cls) -> set[str]:
        """What can be set."""
        return {setting.name for setting in fields(cls)}

    def set(self, settings: dict[str, Any]) -> None:
        """Change settings by name. Raises ValueError for an unknown name, and then changes nothing."""
        unknown = settings.keys() - self.names()
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        for name, value in settings.items():
            setattr(self, name, value)
        if "block_above_rps" in settings:
            self._recent.clear()
            self._blocked_until = float("-inf")

    def current(self) -> dict[str, Any]:
        """Every setting by name."""
        return {name: getattr(self, name) for name in sorted(self.names())}

    def decide(self, path: str, kind: str | None, now: float) -> Fault | None:
        """What happens to a request at `now` (seconds of any clock that runs); None: the document is answered."""
        if path in map(decoded, self.hang):
            return Fault(status=0)
        for entry in self.gone:
            url, status = (entry, GONE) if isinstance(entry, str) else (entry["url"], entry.get("status", GONE))
            if path == decoded(url):
                return Fault(status=status)
        guarded = kind in GUARDED or (kind == "list" and self.block_lists)
        if guarded and self._refused(now):
            return Fault(status=self.block_status, retry_after_s=self.retry_after_s)
        if kind == "article" and (self.consent is True or (self.consent and path in map(decoded, self.consent))):
            return Fault(status=200)
        return None

    def _refused(self, now: float) -> bool:
        if self.block_pages:
            return True
        if self.block_above_rps is None:
            return False
        self._recent.append(now)
        while self._recent[0] <= now - 1.0:
            self._recent.popleft()
        if len(self._recent) > self.block_above_rps:
            self._blocked_until = max(self._blocked_until, now + self.block_for_s)
            return True
        return now < self._blocked_until

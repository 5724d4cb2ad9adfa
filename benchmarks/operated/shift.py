"""Who operates a stack: lets the site publish, waits, looks, and holds what is found against what is promised."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console
from rich.markup import escape

from operated.stack import Stack

PUBLISHED_EVERY_S = 180
"""In each edition, seconds of the clock."""
LOOK_S = 5
"""Between two looks, seconds of the clock; a command of `rfispider` takes longer."""


@dataclass
class Shift:
    """The time that one operator looks after a stack, and the log that is kept of it."""

    stack: Stack
    console: Console
    kept: int = 0
    broken: list[str] = field(default_factory=list)
    """What was promised and did not come true."""
    is_publishing: bool = True

    def __post_init__(self) -> None:
        self.began = self.stack.clock.now()
        self._next = self.began + timedelta(seconds=PUBLISHED_EVERY_S)
        self._wall = time.monotonic()

    # ---- the log --------------------------------------------------------------------------------------------

    @property
    def minutes(self) -> float:
        """Minutes of the clock since the beginning."""
        return (self.stack.clock.now() - self.began) / timedelta(minutes=1)

    def say(self, text: str) -> None:
        """Tell what happens."""
        self._line("", text)

    def promise(self, what: str, holds: object, measured: str = "") -> bool:
        """Note whether a promise is kept, and what was measured."""
        told = f"{what} [dim]{escape(measured)}[/]" if measured else what
        self._line("[green]kept[/]" if holds else "[red]BROKEN[/]", told)
        if holds:
            self.kept += 1
        else:
            self.broken.append(f"{what}: {measured}" if measured else what)
        return bool(holds)

    def verdict(self) -> str:
        """The last line."""
        spent = f"{self.minutes:.0f} minutes of operation in {(time.monotonic() - self._wall) / 60:.1f}"
        bad = "".join(f"\n  broken: {escape(each)}" for each in self.broken)
        return f"{self.kept} promises kept, {len(self.broken)} broken; {spent}{bad}"

    def _line(self, mark: str, text: str) -> None:
        self.console.print(f"{self.minutes:6.1f} min  {mark or '':6}  {text}", soft_wrap=True, highlight=False)

    # ---- the site -------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let the site publish if it is time to, and the engine start again what has ended."""
        for service in self.stack.restart():
            self.say(f"{service.name} has ended with exit status {service.process.returncode}, and starts again")
        while self.is_publishing and self.stack.clock.now() >= self._next:
            self._next += timedelta(seconds=PUBLISHED_EVERY_S)
            for edition in self.stack.editions.split(","):
                self.publish(1, edition)

    def publish(self, count: int, edition: str = "") -> list[str]:
        """Publish articles now; their URLs."""
        known = {article["url"] for article in self.stack.site.truth()}
        self.stack.site.control(publish={"n": count, "edition": edition or self.stack.editions.split(",")[0]})
        return [article["url"] for article in self.stack.site.truth() if article["url"] not in known]

    def edit(self, how: str, *urls: str) -> None:
        """Change articles of the site."""
        self.stack.site.control(edit=[{"url": url, "how": how} for url in urls])

    # ---- time -----------------------------------------------------------------------------------------------

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        until = self.minutes + minutes
        while self.minutes < until:
            self.tick()
            self.stack.clock.sleep(LOOK_S)

    def expect(self, what: str, comes_true: Callable[[], object], minutes: float) -> float | None:
        """Promise that something comes true within so many minutes; the minutes that it took, None when it did not."""
        since = self.minutes
        while not (holds := comes_true()) and self.minutes - since < minutes:
            self.tick()
            self.stack.clock.sleep(LOOK_S)
        took = self.minutes - since
        self.promise(what, holds, f"after {took:.1f} min" if holds else f"not within {minutes:g} min")
        return took if holds else None

"""The results of `crawl.py`: a table, a chart, and what was promised."""

from dataclasses import dataclass, field, replace
from statistics import median

import pygal
from judging import Marks

FASTER_THAN = {"tutorial": 8.0, "newsplease": 20.0}
"""Times as fast as one worker of ours is at least."""
OF_FETCHING = {"ours": 0.45, "ours2": 0.75}
"""Share of the speed of fetching alone, with one worker and with two."""
CPU = 2.5
"""Times the CPU of fetching alone, at most."""


@dataclass
class Row:
    """How one contender did."""

    name: str
    title: str
    pages: int
    """Articles that it was to store."""
    requests: int
    """That the site saw."""
    startup_s: float
    """From its start to its first request."""
    seconds: float
    """From its first request to its end."""
    cpu_s: float
    mongod_cpu_s: float
    site_cpu_s: float
    peak_mib: float
    marks: Marks | None
    failed: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Articles stored; pages fetched, of one that stores nothing."""
        return self.marks.found if self.marks else min(self.pages, self.requests)

    @property
    def rate(self) -> float:
        """Articles a second."""
        return self.done / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds an article, start-up included."""
        return self.cpu_s / max(self.done, 1) * 1000

    def line(self) -> str:
        """The row in short, for whoever waits."""
        failed = f", FAILED: {self.failed[0]}" if self.failed else ""
        return f"{self.title}: {self.done} of {self.pages}, {self.rate:.1f} a second, {self.cpu_ms:.1f} ms CPU{failed}"


def middle(rows: list[Row]) -> Row:
    """Several runs of one contender as one: medians of what was measured, the worst marks, every failure."""
    measured = ("startup_s", "seconds", "cpu_s", "mongod_cpu_s", "site_cpu_s", "peak_mib")
    medians = {name: median(getattr(row, name) for row in rows) for name in measured}
    marks = [row.marks for row in rows if row.marks]
    worst = max(marks, key=lambda each: (each.missed + each.doubles + each.strangers, -each.f1), default=None)
    failed = [line for row in rows for line in row.failed]
    return replace(rows[0], requests=min(row.requests for row in rows), marks=worst, failed=failed, **medians)


def table(rows: list[Row]) -> list[str]:
    """The results as a Markdown table."""
    lines = [
        (
            "| | pages | start-up s | articles a second | CPU s per 1,000 | of MongoDB | peak MiB | per 1,000 articles "
            "| body F1 | right fields | right times | missed | doubles |"
        ),
        "|---|" + "---:|" * 12,
    ]
    for row in rows:
        cells = [
            f"{row.pages:,}", f"{row.startup_s:.1f}", f"{row.rate:.1f}", f"{row.cpu_ms:.1f}",
            f"{row.mongod_cpu_s / max(row.done, 1) * 1000:.1f}", f"{row.peak_mib:.0f}",
            f"{row.peak_mib / max(row.done, 1) * 1000:.0f}", *judged(row.marks),
        ]  # fmt: skip
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return lines


def judged(marks: Marks | None) -> list[str]:
    """The cells that compare with the truth."""
    if marks is None:
        return [""] * 5
    times = marks.right.get("published_at", 0.0)
    shares = [f"{marks.f1:.4f}", f"{marks.fields:.1%}", f"{times:.1%}"]
    return [*shares, str(marks.missed), str(marks.doubles)]


def promises(rows: list[Row]) -> tuple[bool, list[str]]:
    """Whether all promises hold that can be judged, and a line for each."""
    by_name = {row.name: row for row in rows}
    judged_ones = [*of_fetching(by_name), *of_peers(by_name), *of_our_own(by_name)]
    lines = [f"- {'holds' if holds else '**missed**'}: {said}" for holds, said in judged_ones]
    return all(holds for holds, _ in judged_ones), lines


def of_fetching(by_name: dict[str, Row]) -> list[tuple[bool, str]]:
    """What was promised beside fetching alone."""
    fetch = by_name.get("fetch")
    if fetch is None or not fetch.rate:
        return []
    told = []
    for name, least in OF_FETCHING.items():
        if row := by_name.get(name):
            share = row.rate / fetch.rate
            told.append((share >= least, f"{row.title}: {share:.2f} of the speed of fetching alone (least: {least})"))
    if row := by_name.get("ours"):
        times = row.cpu_ms / fetch.cpu_ms
        told.append((times <= CPU, f"{row.title}: {times:.2f} times the CPU of fetching alone (most: {CPU})"))
    return told


def of_peers(by_name: dict[str, Row]) -> list[tuple[bool, str]]:
    """What was promised beside peers."""
    ours, told = by_name.get("ours"), []
    for name, least in FASTER_THAN.items():
        row = by_name.get(name)
        if ours and row and row.rate and row.marks and ours.marks:
            times = ours.rate / row.rate
            told.append((times >= least, f"{times:.1f} times as fast as {row.title} (least: {least:.0f})"))
            better = ours.marks.f1 > row.marks.f1
            told.append((better, f"F1 of the body {ours.marks.f1:.4f} against {row.marks.f1:.4f} of {row.title}"))
    return told


def of_our_own(by_name: dict[str, Row]) -> list[tuple[bool, str]]:
    """That nothing is missed or stored twice."""
    told = []
    for name in OF_FETCHING:
        if (row := by_name.get(name)) and row.marks:
            wrong = row.marks.missed + row.marks.doubles + row.marks.strangers
            told.append((wrong == 0 and not row.failed, f"{row.title}: {wrong} articles missed, doubled or strange"))
    return told


def chart(rows: list[Row]) -> bytes:
    """Bars of the speed of each contender, as SVG that needs no script."""
    bars = pygal.HorizontalBar(
        js=[], legend_at_bottom=True, print_values=True, title="Articles a second, and CPU milliseconds an article",
        value_formatter=lambda value: f"{value:.0f}", height=120 + 60 * len(rows), width=1000, logarithmic=True,
    )  # fmt: skip
    shown = [row for row in reversed(rows) if row.name != "ceiling"]
    bars.x_labels = [row.title for row in shown]
    bars.add("articles a second", [row.rate for row in shown])
    bars.add("CPU ms an article", [row.cpu_ms for row in shown])
    drawn: bytes = bars.render()
    return drawn

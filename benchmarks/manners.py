"""One rate for the whole fleet, against a site that refuses whoever asks faster than it bears."""

import time

from world import Figure, World, stop, world

from tests.support.crawling import PATH, STAMP, STATUS

AGREED = 0.1
"""The rate of the log may differ so much (0 to 1) from the one that was agreed."""
FOUND = 0.8
"""A fleet that has to find the rate by itself uses at least so much (0 to 1) of what the site bears."""
SETTLING_S = 60.0
"""After so long hardly anything may be refused any more."""
MOST_REFUSED = 0.01
EDGES = (0.05, 0.95)
"""The rate is measured between these shares of the requests: at the ends of a crawl, some workers have no work."""


def rate(*, articles: int, workers: int, asked: float, bears: float, patience_s: float) -> list[Figure]:
    """The site answers 403 above `bears` requests a second; the workers may ask `asked` (0: no limit)."""
    with world(articles, 20, 8) as here:
        here.site.replica.control(block_above_rps=bears)
        started = time.monotonic()
        with here.fleet(workers, "-a", "follow=1", RFI_RATE=str(asked)) as crew:
            here.until_all_is_stored(patience_s)
            seconds = time.monotonic() - started
            stop(crew)
        return [*here.whole(), *_figures(here, asked, bears, seconds)]


def _figures(here: World, asked: float, bears: float, seconds: float) -> list[Figure]:
    requests = [request for request in here.site.requests() if request[PATH] != "/robots.txt"]
    times = sorted(float(request[STAMP]) for request in requests)
    refused = [float(request[STAMP]) - times[0] > SETTLING_S for request in requests if request[STATUS] == "403"]
    later = sum(moment - times[0] > SETTLING_S for moment in times)
    share = sum(refused) / max(1, later)
    return [
        _pace(times, asked, bears),
        Figure("refused in the first minute", f"{refused.count(False)} of {len(times) - later}"),
        Figure(f"refused after it, of {later}", f"{share:.2%}", f"under {MOST_REFUSED:.0%}", share < MOST_REFUSED),
        Figure("seconds until all is stored", f"{seconds:.0f}"),
    ]


def _pace(times: list[float], asked: float, bears: float) -> Figure:
    """The rate of the log beside the agreed one; where that is too fast, what they have found out after a minute."""
    if 0 < asked <= bears:
        seen = steady_rate(times)
        holds, wanted = abs(seen / asked - 1) <= AGREED, f"{asked:g}, within {AGREED:.0%}"
        return Figure("requests a second, all workers", f"{seen:.2f}", wanted, holds)
    seen = steady_rate([moment for moment in times if moment - times[0] > SETTLING_S])
    wanted = f"{FOUND:.0%} to 100% of {bears:g}"
    return Figure("requests a second after a minute", f"{seen:.2f}", wanted, FOUND <= seen / bears <= 1)


def steady_rate(times: list[float]) -> float:
    """Requests a second between the shares `EDGES` of sorted times."""
    first, last = (int(edge * (len(times) - 1)) for edge in EDGES)
    return (last - first) / (times[last] - times[first])

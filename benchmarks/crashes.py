"""What crashes cost: workers are killed, the only mongod is killed, the primary of a replica set is killed."""

import itertools
import random
import time
from collections.abc import Sequence

from world import LONGEST_S, Figure, World, ended, none, some_time, stop, world

from tests.support.crawling import STAMP
from tests.support.fleet import Fleet, name_of, shared_while_alive

CRASH_AT = 0.3
"""The server of the archive is killed when so many (0 to 1) of the articles are fetched."""
KILL_UNTIL = 0.9
RETRY_S = 300.0
"""What a crash made fail is tried again within minutes."""


def kill(*, articles: int, in_flight: int, latency_ms: float, share: float) -> list[Figure]:
    """One worker is killed at `share` (0 to 1) of the crawl and started again."""
    with world(articles, latency_ms, in_flight) as here:
        site = here.site
        with here.fleet(1) as crew:
            site.wait_for_articles(share, LONGEST_S)
            victim = crew.kill_one(random.Random())
        pending = set(site.fetched()) - set(here.stored())
        here.crawl()
        later = [float(request[STAMP]) for request in site.articles() if name_of(request) != victim.name]
        again, on_after_s = site.fetched_again(), later[0] - victim.ended_at
        return [
            *here.whole(),
            Figure("answered, not yet stored at the kill", f"{len(pending)}"),
            Figure("fetched again", f"{again}", f"at most {in_flight}", again <= in_flight),
            Figure("goes on after", f"{on_after_s:.1f} s", "under 5 s", on_after_s < 5),
        ]


def fleet(*, articles: int, workers: int, nodes: int, latency_ms: float) -> list[Figure]:
    """Every few seconds a worker is killed and another started; once the mongod that takes the writes is killed."""
    with world(articles, latency_ms, 8, nodes=nodes) as here, here.fleet(workers) as crew:
        started = time.monotonic()
        kills, crashes = harass(here, crew, started)
        statuses = ended(crew)
        seconds, put_off = time.monotonic() - started, here.put_off()
        if put_off:
            with here.fleet(1, "-a", "follow=1") as last:
                here.until_all_is_stored(RETRY_S)
                stop(last)
        return [
            *here.whole(),
            Figure("put off, and stored later", ", ".join(f"{n} x {why}" for why, n in put_off.items()) or "0"),
            none("URLs with two live workers at once", len(shared_while_alive(crew))),
            Figure("workers killed", f"{kills}"),
            Figure("mongod killed", f"{len(crashes)}", "1", len(crashes) == 1),
            Figure("exit statuses of the others", f"{statuses}", "all 0", not any(statuses)),
            Figure("fetched again", f"{here.site.fetched_again()}, in flight {kills * 8} at the kills"),
            Figure("longest pause of the fleet", f"{pause(here, crashes):.1f} s"),
            Figure("seconds", f"{seconds:.0f}"),
        ]


def harass(here: World, crew: Fleet, started: float) -> tuple[int, list[float]]:
    """Kill workers at random, and the server once; the number of kills, and when the server was killed."""
    luck, kills, crashes = random.Random(4), 0, list[float]()
    total = len(here.site.truth)
    while (share := len(here.site.fetched()) / total) < KILL_UNTIL and time.monotonic() - started < LONGEST_S:
        some_time(luck)
        if crew.at_work():
            crew.kill_one(luck)
            crew.start()
            kills += 1
        if share > CRASH_AT and not crashes:
            crashes.append(time.time())
            here.crash()
    return kills, crashes


def pause(here: World, crashes: Sequence[float]) -> float:
    """The longest time without any request from the crash of the server on, in seconds."""
    times = sorted([*crashes, *(float(request[STAMP]) for request in here.site.requests())])
    later = [moment for moment in times if not crashes or moment >= crashes[0]]
    return max((after - before for before, after in itertools.pairwise(later)), default=0.0)

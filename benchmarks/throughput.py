"""How fast the frontier turns over, and what a second worker brings."""

from frontier import frontier
from world import Figure, ended, world

__all__ = ["frontier", "speedup"]


def speedup(*, articles: int, latency_ms: float) -> list[Figure]:
    """One worker and two on a slow site."""
    rates = []
    for workers in (1, 2):
        with world(articles, latency_ms, 8) as here, here.fleet(workers) as crew:
            ended(crew)
            rates.append(here.articles_a_second())
    ratio = rates[1] / rates[0]
    return [
        Figure("one worker", f"{rates[0]:.1f} articles a second"),
        Figure("two workers", f"{rates[1]:.1f} articles a second"),
        Figure("ratio", f"{ratio:.2f}", "at least 1.7", ratio >= 1.7),
    ]

"""What to fetch, when, and by whom: one queue and one politeness budget for any number of workers.

queue        `Frontier`, what one worker does with the queue: add, claim, mark_sent, heartbeat, acknowledge, release ...
leasing      how leases are won beside other workers
host_budget  the pace of requests to each host, and the breaker of its pages
statistics   counts, failures, gaps, what is pending
diagnostics  what the health of a crawl is judged by
integrity    the frontier against the archive
records      Lease, Completion, Validators, and their form as documents
discovery    what a link that was found changes
transitions  what happens to a lease, as update pipelines
writes       the writes of links and of visits
worker_id    which process a worker is, and whether it still runs
schema       indexes and validators

policy.revisit     when a URL is due again
policy.claims      which answers need a second one
policy.politeness  how fast a host may be asked
policy.priorities  what goes before what
policy.fair_share  whose turn it is
"""

from rfispider.frontier.host_budget import RateGrant
from rfispider.frontier.queue import URL_LEASE_S, Frontier
from rfispider.frontier.records import Completion, Lease, Validators
from rfispider.frontier.statistics import Count, Holder, Pending, SourceGap

__all__ = [
    "URL_LEASE_S",
    "Completion",
    "Count",
    "Frontier",
    "Holder",
    "Lease",
    "Pending",
    "RateGrant",
    "SourceGap",
    "Validators",
]

"""What to fetch, when, and by whom: one queue and one politeness budget for any number of workers.

queue      the frontier of a worker: add, claim, heartbeat, acknowledge, release, fail, recover, deepen
claims     how leases are got beside other workers
hosts      one delay for each host, and the breaker of its pages
census     counts, failures, gaps, what is pending
records    Lease, Done, Validators, and their form as documents
updates    what happens to a lease, as update pipelines
discovery  what a found link changes
shares     whose turn it is
workers    which process is which
clock      the time of the server
schema     indexes and validators
database   majority, failover
"""

from rfispider.frontier.host_budget import RateGrant
from rfispider.frontier.queue import LEASE_S, Frontier
from rfispider.frontier.records import Completion, Lease, Validators
from rfispider.frontier.statistics import Count, Holder, Pending, SourceGap

__all__ = [
    "LEASE_S",
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

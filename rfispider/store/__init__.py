"""The archive in MongoDB: articles, their superseded states, and the record of every run.

archive    Store, the one door to all of it
articles   a batch of articles becomes a handful of round trips
queries    what people ask: one article, a report
history    superseded states, the archive as of a moment
tombstones articles whose pages are gone
documents  the form of records as documents, in both directions
schema     collections, validators, indexes
digest     what is new in it
health     what the archive knows of its own health
audit      what it holds of a day
migrations an archive of an earlier release in the form of this one
roles      users who may only read
pages      the raw documents that articles were read from
page_documents  their form, in both directions
bases      which page others are compressed with
compression  raw pages in few bytes
rereading  articles with the pages that they were read from
selection  which articles are asked for, in batches
search     articles by the words in them
segments   the form of the search index
retrieval  the same search as an aggregation
watch      what changes, as it changes
downstream all that those who use the archive take from it
errors     what goes wrong, in one line for a person
"""

from rfispider.store.archive import Store
from rfispider.store.digest import Story
from rfispider.store.errors import StoreError, explained, hosts
from rfispider.store.health import Condition
from rfispider.store.migrations import Migrated, Plan
from rfispider.store.page_documents import Raw, Sight, decoded
from rfispider.store.queries import Completeness, Report, SectionCount
from rfispider.store.rereading import Kept, Segment
from rfispider.store.retrieval import retrieval
from rfispider.store.search import Found, Hit, Wanted
from rfispider.store.selection import FIELDS, VALIDITY, Selection, rules, unpacked
from rfispider.store.watch import HistoryLost, Position

__all__ = [
    "FIELDS",
    "VALIDITY",
    "Completeness",
    "Condition",
    "Found",
    "HistoryLost",
    "Hit",
    "Kept",
    "Migrated",
    "Plan",
    "Position",
    "Raw",
    "Report",
    "SectionCount",
    "Segment",
    "Selection",
    "Sight",
    "Store",
    "StoreError",
    "Story",
    "Wanted",
    "decoded",
    "explained",
    "hosts",
    "retrieval",
    "rules",
    "unpacked",
]

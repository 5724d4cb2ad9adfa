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

from rfispider.mongo.errors import DatabaseError, hosts, translating_errors
from rfispider.storage.admin.migrations import Migrated, MigrationPlan
from rfispider.storage.pages.documents import FetchedPage, Raw, decoded
from rfispider.storage.pages.replay import KeptPage, ReparseBatch
from rfispider.storage.read.highlights import Story
from rfispider.storage.read.queries import Completeness, Report, SectionCount
from rfispider.storage.read.selection import FIELDS, VALIDITY, Selection, rules, unpacked
from rfispider.storage.read.statistics import ArchiveStats
from rfispider.storage.search.index import Hit, SearchRequest, SearchResult
from rfispider.storage.search.pipeline import retrieval
from rfispider.storage.store import Store
from rfispider.storage.stream.change_stream import HistoryLost, Position

__all__ = [
    "FIELDS",
    "VALIDITY",
    "ArchiveStats",
    "Completeness",
    "DatabaseError",
    "FetchedPage",
    "HistoryLost",
    "Hit",
    "KeptPage",
    "Migrated",
    "MigrationPlan",
    "Position",
    "Raw",
    "ReparseBatch",
    "Report",
    "SearchRequest",
    "SearchResult",
    "SectionCount",
    "Selection",
    "Store",
    "Story",
    "decoded",
    "hosts",
    "retrieval",
    "rules",
    "translating_errors",
    "unpacked",
]

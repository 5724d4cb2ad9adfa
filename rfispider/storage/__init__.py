"""The archive in MongoDB: articles, their superseded states, and the record of every run.

store       `Store`: all that the archive is asked, and all that is written to it
documents   the form of articles, revisions and runs as documents, in both directions
schema      collections and their indexes
validators  what a document of each collection must look like
policy/     what decides: identity, versions, near-duplicates, stories; pure
write/      how batches of articles, aliases, stories and tombstones are written
read/       the queries: articles, histories, days, highlights, statistics, selections
pages/      the raw documents that articles were read from, compressed
search/     articles by the words in them
stream/     what changes, as it changes, for those who follow the archive
admin/      migrations, and users who may only read
"""

from rfispider.mongo.errors import DatabaseError, hosts, translating_errors
from rfispider.storage.admin.migrations import Migrated, MigrationPlan
from rfispider.storage.pages.documents import FetchedPage, Raw, decoded
from rfispider.storage.pages.replay import KeptPage, ReparseBatch
from rfispider.storage.read.highlights import Story
from rfispider.storage.read.queries import Completeness, Report, SectionCount
from rfispider.storage.read.selection import READER_FIELDS, VALIDITY, Selection, rules, unpacked
from rfispider.storage.read.statistics import ArchiveStats
from rfispider.storage.search.index import Hit, SearchRequest, SearchResult
from rfispider.storage.search.pipeline import retrieval
from rfispider.storage.store import Store
from rfispider.storage.stream.change_stream import HistoryLost, Position

__all__ = [
    "READER_FIELDS",
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

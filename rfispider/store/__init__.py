"""The archive in MongoDB: articles, their superseded states, and the record of every run.

archive    Store, the one door to all of it
articles   a batch of articles becomes a handful of round trips
queries    what people ask: one article, its history, a report
documents  the form of records as documents, in both directions
schema     collections, validators, indexes
errors     what goes wrong, in one line for a person
"""

from rfispider.store.archive import Store
from rfispider.store.errors import StoreError, explained
from rfispider.store.queries import Completeness, Report, SectionCount

__all__ = ["Completeness", "Report", "SectionCount", "Store", "StoreError", "explained"]

"""What is searched for, in every script: the form in which texts are compared, and the grams they are found by.

folding    text in the form in which a query and an article are compared
ngrams     the short strings an article is filed under, and those a query asks for
query      which articles hold a query, how well, and where
index      the index in MongoDB, and the search in it
segments   the form of its documents
pipeline   the same search as an aggregation
"""

from rfispider.storage.search.folding import fold
from rfispider.storage.search.ngrams import FEW, Lookup, folded, inverted, lookups
from rfispider.storage.search.query import FIELD_WEIGHTS, Query, highlighted, parse, score

__all__ = [
    "FEW",
    "FIELD_WEIGHTS",
    "Lookup",
    "Query",
    "fold",
    "folded",
    "highlighted",
    "inverted",
    "lookups",
    "parse",
    "score",
]

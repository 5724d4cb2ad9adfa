"""Pages in, articles and links out.

Everything here is pure and raises nothing, whatever the bytes: what cannot be read is a `Rejection` with its
outcome and reason, or an empty list. A page is parsed once, for all four questions. Only this package knows
trafilatura.
"""

from rfispider.extract.article import article, refusal
from rfispider.extract.links import listed, next_page, related, topics
from rfispider.extract.meta_refresh import refresh_target
from rfispider.extract.rejection import outcome_of

__all__ = ["article", "listed", "next_page", "outcome_of", "refresh_target", "refusal", "related", "topics"]

"""The collections of the archive, and the indexes of every query."""

from pymongo import ASCENDING, DESCENDING, IndexModel

ARTICLES = "articles"
REVISIONS = "revisions"
ALIAS_RECORDS = "aliases"
CLAIMS = "claims"
RUNS = "runs"
PAGES = "pages"
POSITIONS = "positions"
SEARCH = "search"

SECTIONS = "sections"
NEWEST = "newest"
CHANGES = "changes"
ALIASES = "aliases"
HISTORY = "history"
LATEST = "latest"
SIGNS = "signs"
IDENTITY = "identity"
SHORT_CODES = "short_codes"
SIGNATURE = "signature"
STORY = "story"
TWIN = "twin"
TAGS = "tags"
AUTHORS = "authors"
AUDIO = "audio"
KEPT = "kept"
FETCHED = "fetched"
OWNER = "owner"
EXPIRY = "expiry"
UNREAD = "unread"

CLAIM_S = 30 * 24 * 3600
"""Seconds after which a claim that nobody came back to is forgotten."""

PAGE_MARKS = ("article", "fetched_at", "origin", "reread_at", "outcome", "_id")
"""Fields of a page that stand in its index."""

INDEXES: dict[str, list[IndexModel]] = {
    ARTICLES: [
        IndexModel([("edition", ASCENDING), ("section", ASCENDING), ("published_at", DESCENDING)], name=SECTIONS),
        # The agency stands in it so that the share of the wires is told by the index alone.
        IndexModel([("edition", ASCENDING), ("published_at", DESCENDING), ("agency", ASCENDING)], name=NEWEST),
        IndexModel([("changed_at", DESCENDING)], name=CHANGES),
        # Most articles have no alias: they do not stand in it.
        IndexModel([("aliases", ASCENDING)], name=ALIASES, partialFilterExpression={"aliases.0": {"$exists": True}}),
        # Of two workers that store the same content at the same moment, it lets one make the document.
        IndexModel([("identity", ASCENDING)], name=IDENTITY, unique=True, sparse=True),
        IndexModel([("short_code", ASCENDING)], name=SHORT_CODES, sparse=True),
        IndexModel([("signature", ASCENDING)], name=SIGNATURE),
        IndexModel([("story", ASCENDING)], name=STORY),
        IndexModel([("twin", ASCENDING)], name=TWIN, sparse=True),
        # What teams ask for, see docs/cookbook.md.
        IndexModel([("tags", ASCENDING), ("published_at", DESCENDING)], name=TAGS),
        IndexModel([("authors", ASCENDING), ("published_at", DESCENDING)], name=AUTHORS),
        IndexModel(
            [("published_at", DESCENDING), ("edition", ASCENDING)],
            name=AUDIO,
            partialFilterExpression={"audio.0": {"$exists": True}},
        ),
    ],
    REVISIONS: [IndexModel([("article", ASCENDING), ("revision", ASCENDING)], name=HISTORY, unique=True)],
    ALIAS_RECORDS: [IndexModel([("article", ASCENDING)], name=OWNER)],
    CLAIMS: [IndexModel([("noted_at", ASCENDING)], name=EXPIRY, expireAfterSeconds=CLAIM_S)],
    RUNS: [
        IndexModel([("started_at", DESCENDING)], name=LATEST),
        # Runs of less than a minute give no sign of life.
        IndexModel([("updated_at", DESCENDING)], name=SIGNS, sparse=True),
    ],
    PAGES: [
        # All that tells which page an article was read from: the bodies are not touched to find it.
        IndexModel([(name, ASCENDING) for name in PAGE_MARKS], name=KEPT),
        IndexModel([("edition", ASCENDING), ("fetched_at", ASCENDING)], name=FETCHED),
        IndexModel(
            [("_id", ASCENDING), ("outcome", ASCENDING)],
            name=UNREAD,
            partialFilterExpression={"outcome": {"$exists": True}},
        ),
    ],
    SEARCH: [],
    POSITIONS: [],
}

RETIRED: tuple[tuple[str, str], ...] = ()
"""Collection and name of indexes that earlier releases made and this one does not: `rfispider migrate` drops them."""

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

SECTIONS_INDEX = "sections"
NEWEST_INDEX = "newest"
CHANGES_INDEX = "changes"
ALIASES_INDEX = "aliases"
HISTORY_INDEX = "history"
LATEST_INDEX = "latest"
SIGNS_INDEX = "signs"
IDENTITY_INDEX = "identity"
SHORT_CODES_INDEX = "short_codes"
SIGNATURE_INDEX = "signature"
STORY_INDEX = "story"
TWIN_INDEX = "twin"
TAGS_INDEX = "tags"
AUTHORS_INDEX = "authors"
AUDIO_INDEX = "audio"
KEPT_INDEX = "kept"
FETCHED_INDEX = "fetched"
OWNER_INDEX = "owner"
EXPIRY_INDEX = "expiry"
UNREAD_INDEX = "unread"

CLAIM_S = 30 * 24 * 3600
"""Seconds after which a claim that nobody came back to is forgotten."""

PAGE_MARKS = ("article", "fetched_at", "origin", "reread_at", "outcome", "_id")
"""Fields of a page that stand in its index."""

INDEXES: dict[str, list[IndexModel]] = {
    ARTICLES: [
        IndexModel([("edition", ASCENDING), ("section", ASCENDING), ("published_at", DESCENDING)], name=SECTIONS_INDEX),
        # The agency stands in it so that the share of the wires is told by the index alone.
        IndexModel([("edition", ASCENDING), ("published_at", DESCENDING), ("agency", ASCENDING)], name=NEWEST_INDEX),
        IndexModel([("changed_at", DESCENDING)], name=CHANGES_INDEX),
        # Most articles have no alias: they do not stand in it.
        IndexModel(
            [("aliases", ASCENDING)], name=ALIASES_INDEX, partialFilterExpression={"aliases.0": {"$exists": True}}
        ),
        # Of two workers that store the same content at the same moment, it lets one make the document.
        IndexModel([("identity", ASCENDING)], name=IDENTITY_INDEX, unique=True, sparse=True),
        IndexModel([("short_code", ASCENDING)], name=SHORT_CODES_INDEX, sparse=True),
        IndexModel([("signature", ASCENDING)], name=SIGNATURE_INDEX),
        IndexModel([("story", ASCENDING)], name=STORY_INDEX),
        IndexModel([("twin", ASCENDING)], name=TWIN_INDEX, sparse=True),
        # What teams ask for, see docs/cookbook.md.
        IndexModel([("tags", ASCENDING), ("published_at", DESCENDING)], name=TAGS_INDEX),
        IndexModel([("authors", ASCENDING), ("published_at", DESCENDING)], name=AUTHORS_INDEX),
        IndexModel(
            [("published_at", DESCENDING), ("edition", ASCENDING)],
            name=AUDIO_INDEX,
            partialFilterExpression={"audio.0": {"$exists": True}},
        ),
    ],
    REVISIONS: [IndexModel([("article", ASCENDING), ("revision", ASCENDING)], name=HISTORY_INDEX, unique=True)],
    ALIAS_RECORDS: [IndexModel([("article", ASCENDING)], name=OWNER_INDEX)],
    CLAIMS: [IndexModel([("noted_at", ASCENDING)], name=EXPIRY_INDEX, expireAfterSeconds=CLAIM_S)],
    RUNS: [
        IndexModel([("started_at", DESCENDING)], name=LATEST_INDEX),
        # Runs of less than a minute give no sign of life.
        IndexModel([("updated_at", DESCENDING)], name=SIGNS_INDEX, sparse=True),
    ],
    PAGES: [
        # All that tells which page an article was read from: the bodies are not touched to find it.
        IndexModel([(name, ASCENDING) for name in PAGE_MARKS], name=KEPT_INDEX),
        IndexModel([("edition", ASCENDING), ("fetched_at", ASCENDING)], name=FETCHED_INDEX),
        IndexModel(
            [("_id", ASCENDING), ("outcome", ASCENDING)],
            name=UNREAD_INDEX,
            partialFilterExpression={"outcome": {"$exists": True}},
        ),
    ],
    SEARCH: [],
    POSITIONS: [],
}

RETIRED: tuple[tuple[str, str], ...] = ()
"""Collection and name of indexes that earlier releases made and this one does not: `rfispider migrate` drops them."""

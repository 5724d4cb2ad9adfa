"""What an administrator does to an archive as a whole: migrate it, and say who may read it."""

from collections.abc import Mapping

import pymongo
from pymongo.asynchronous.database import AsyncDatabase

from rfispider.mongo.connection import Connection
from rfispider.mongo.errors import translating_errors
from rfispider.storage.admin import migrations, roles
from rfispider.storage.admin.migrations import Added, Migrated, MigrationPlan, Progress
from rfispider.storage.documents import Document


class Administration:
    """Migrations and readers. Every method raises DatabaseError when the server does not do what it should."""

    def __init__(self, connection: Connection, database: AsyncDatabase[Document]) -> None:
        self._database = database
        self._uri = connection.uri
        self._patience = connection.patience_s

    async def plan(self, others: Mapping[str, Added]) -> MigrationPlan:
        """What `migrate` would do. Reads every collection once, and so has no time-out."""
        with translating_errors("planning the migration", self._uri):
            return await migrations.plan(self._database, others)

    async def migrate(self, others: Mapping[str, Added], progress: Progress | None = None) -> Migrated:
        """Bring the database, opened with `prepare=False`, into the form of this release. May be run again.

        `others` are collections beside the archive's, with what their documents get. Rewrites every document, and so
        has no time-out.

        Raises:
            DatabaseError: the database is of a later release, or the server fails.

        """
        with translating_errors("migrating the archive", self._uri):
            return await migrations.migrate(self._database, others, progress)

    async def grant(self, name: str, password: str) -> bool:
        """Make a user who may read the archive and nothing else, or change its password; whether it is new."""
        with translating_errors("making a user", self._uri), pymongo.timeout(self._patience):
            return await roles.grant(self._database, name, password)

    async def revoke(self, name: str) -> bool:
        """Remove a user who may read the archive; False when there is none."""
        with translating_errors("removing a user", self._uri), pymongo.timeout(self._patience):
            return await roles.revoke(self._database, name)

    async def readers(self) -> list[str]:
        """Names of the users who may read the archive."""
        with translating_errors("listing users", self._uri), pymongo.timeout(self._patience):
            return await roles.readers(self._database)

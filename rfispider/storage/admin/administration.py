"""What the keeper of an archive does to it as a whole: migrate it, and say who may read it."""

from collections.abc import Mapping

from pymongo.asynchronous.database import AsyncDatabase

from rfispider.mongo.errors import translating_errors
from rfispider.storage.admin import migrations, roles
from rfispider.storage.admin.migrations import Added, Migrated, MigrationPlan, Progress
from rfispider.storage.documents import Document


class Administration:
    """The deeds of a keeper. Every method raises DatabaseError when the server does not do what it should."""

    def __init__(self, database: AsyncDatabase[Document], uri: str) -> None:
        self._database = database
        self._uri = uri

    async def plan(self, others: Mapping[str, Added]) -> MigrationPlan:
        """What `migrate` would do. Reads every collection once."""
        with translating_errors("planning the migration", self._uri):
            return await migrations.plan(self._database, others)

    async def migrate(self, others: Mapping[str, Added], progress: Progress | None = None) -> Migrated:
        """Bring the database, opened with `prepare=False`, into the form of this release. May be run again.

        `others` are collections beside the archive's, with what their documents get. Raises DatabaseError for a
        database of a later release.
        """
        with translating_errors("migrating the archive", self._uri):
            return await migrations.migrate(self._database, others, progress)

    async def grant(self, name: str, password: str) -> bool:
        """Make a user who may read the archive and nothing else, or change its password; whether it is new."""
        with translating_errors("making a user", self._uri):
            return await roles.grant(self._database, name, password)

    async def revoke(self, name: str) -> bool:
        """Remove such a user; False when there is none."""
        with translating_errors("removing a user", self._uri):
            return await roles.revoke(self._database, name)

    async def readers(self) -> list[str]:
        """Names of such users."""
        with translating_errors("listing users", self._uri):
            return await roles.readers(self._database)

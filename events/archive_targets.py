"""The archives of this warehouse: which collection each is of, and the names of everything that belongs to it."""

from __future__ import annotations

from events.pipelines import flights
from skytier.archive.target import Target
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings


def flights_target(mongodb: MongoSettings, archive: ArchiveSettings) -> Target:
    """The archive of the flights' events. Its names are those of the first version: existing warehouses have them."""
    return Target(
        pipeline=flights(),
        database=mongodb.database,
        limit_mb=archive.limit_mb,
        folder="/archive/mongodb_archive",
        manifests_folder="/metadata/archives",
        table="archived_flight_events",
        state_table="archive_state",
        metadata_table="archive_metadata",
        audit_table="archive_audit",
    )


def all_targets(mongodb: MongoSettings, archive: ArchiveSettings) -> tuple[Target, ...]:
    """The archives of all pipelines that have one."""
    return (flights_target(mongodb, archive),)

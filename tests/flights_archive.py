"""Where the flights' archives are, for tests: their manifests, and the folders of an archive."""

from __future__ import annotations

from events.archive_targets import flights_target
from skytier.archive.manifest import Manifest
from skytier.archive.manifests import Manifests
from skytier.files import Files
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings

TARGET = flights_target(MongoSettings(), ArchiveSettings())
OPEN = "/metadata/archives/open.json"


def on_hdfs() -> Manifests:
    """The manifests on HDFS."""
    return Manifests(Files(), TARGET.manifests_folder)


def location(manifest: Manifest) -> str:
    """The folder of the published files."""
    return f"/archive/mongodb_archive/{manifest.archive_id}"


def staging(manifest: Manifest) -> str:
    """The folder where the files are written and verified."""
    return f"/archive/mongodb_archive/_inprogress/{manifest.archive_id}"

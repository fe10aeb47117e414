"""The steps of an archive that read and write many documents: export, and verification of the copy.

``archive_hot_tier ARCHIVE_ID STEP...``: what ``skytier archive run`` and Airflow submit. A step that is not due does
nothing; without a step the files are read back and compared with what was verified. The driver sees tallies only, and a
worker some thousands of documents at a time, however large the run is.
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from skytier import logs, spark_failures
from skytier.archive import runs
from skytier.archive.manifest import Manifest
from skytier.archive.ports import Copy, Evidence
from skytier.archive.protocol import Step
from skytier.archive.stores import ServerStores
from spark_jobs.archive_copier import Copier

log = logs.logger("archive_hot_tier")


class SparkStores(ServerStores):
    """The stores, with what Spark does among them."""

    def __init__(self) -> None:
        super().__init__()
        spark = SparkSession.builder.appName("archive_hot_tier").getOrCreate()
        self._copier = Copier(spark, self.files, self.mongodb, self.settings)

    def copy(self, manifest: Manifest) -> Copy:
        return self._copier.copy(manifest)

    def original(self, manifest: Manifest) -> Evidence:
        return self._copier.original(manifest)

    def copied(self, manifest: Manifest) -> Evidence:
        return self._copier.copied(manifest)


def main(archive_id: str, steps: list[Step]) -> None:
    """Take the steps that are due, in their order; without any, check an archive that is done."""
    if not steps:
        with SparkStores() as stores:
            runs.check(stores, stores.manifests.load(archive_id))
    for step in steps:
        with ServerStores() as stores:
            if not runs.is_due_now(stores.manifests.load(archive_id), step):
                log.info("step is not due", archive_id=archive_id, step=str(step))
                continue
        with SparkStores() as stores:
            runs.take(stores, archive_id, step)


if __name__ == "__main__":
    spark_failures.run("archive_hot_tier", lambda: main(sys.argv[1], [Step(name) for name in sys.argv[2:]]))

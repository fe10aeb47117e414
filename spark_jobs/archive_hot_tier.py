"""The steps of an archive that read and write many documents: export, and verification of the copy.

``archive_hot_tier ARCHIVE_ID STEP...``: what ``skytier archive run`` and Airflow submit. A step that is not due does
nothing; without a step, the files are read back and compared with what was verified. The driver receives tallies only,
and a worker holds some thousands of documents at a time, whatever the size of the run.
"""

from __future__ import annotations

import sys

from events.archive_targets import flights_target
from skytier import logs, spark_failures
from skytier.archive import runs
from skytier.archive.protocol import Step
from skytier.archive.stores import open_stores
from skytier.archive.target import Target
from skytier.files import Files
from skytier.settings.archive import ArchiveSettings
from skytier.settings.mongodb import MongoSettings
from spark_jobs.archive_copier import SparkCopier
from spark_jobs.session import session

log = logs.logger("archive_hot_tier")


def main(archive_id: str, steps: list[Step]) -> None:
    """Run the steps that are due, in their order; without any, check an archive that is done."""
    settings, files = ArchiveSettings(), Files()
    target = flights_target(MongoSettings(), settings)
    with open_stores(target, settings, files) as stores:
        if not steps:
            runs.check(stores, _copier(files, target, settings), stores.load(archive_id))
        for step in steps:
            if runs.is_due_now(stores.load(archive_id), step):
                runs.run_step(stores, archive_id, step, _copier(files, target, settings))
            else:
                log.info("step is not due", archive_id=archive_id, step=str(step))


def _copier(files: Files, target: Target, settings: ArchiveSettings) -> SparkCopier:
    spark = session("archive_hot_tier")
    return SparkCopier(spark, files, target, settings)


if __name__ == "__main__":
    spark_failures.run("archive_hot_tier", lambda: main(sys.argv[1], [Step(name) for name in sys.argv[2:]]))

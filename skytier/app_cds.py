"""The JVM's archive of the classes that a Spark job loads (AppCDS)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from skytier.settings.base import PROJECT_ROOT
from skytier.settings.spark import SparkSettings


def archive() -> Path:
    """The JVM's archive of the classes a minute job loads, which halves its start. Made by the first job of all.

    It fits the jars it was made with, and no others: so it is named after what decides them.
    """
    decided_by = ("requirements/jobs.txt", "local_stack/jars/spark/pom.xml")
    content = b"".join((PROJECT_ROOT / path).read_bytes() for path in decided_by)
    return SparkSettings().cache_folder / f"spark-jobs-{hashlib.sha256(content).hexdigest()[:12]}.jsa"

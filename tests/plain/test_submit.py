"""How Spark jobs are submitted, and the AppCDS archive that the first of them makes."""

from __future__ import annotations

import shlex
import sys
import threading
from pathlib import Path

import pytest

from skytier import app_cds, spark

pytestmark = pytest.mark.plain

# In place of spark-submit: notes what it was asked for, and writes the archive as a JVM does, at its end.
SUBMIT = """
import re, sys, time
archive = re.search("ArchiveClassesAtExit=([^ ]+)", " ".join(sys.argv))
time.sleep(0.2)
with open(sys.argv[1], "a") as notes:
    notes.write("makes the archive\\n" if archive else "runs\\n")
if archive:
    open(archive.group(1), "w").close()
"""


def test_a_job_is_submitted_by_pysparks_own_command_unless_the_settings_name_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, *arguments = spark.submit_command("process_flight_events", "a")
    assert Path(own).name == "spark-submit"
    monkeypatch.setenv("SKYTIER_SPARK_SUBMIT", "ssh edge '/opt/our spark/bin/spark-submit'")
    ours = ["ssh", "edge", "/opt/our spark/bin/spark-submit"]
    assert spark.submit_command("process_flight_events", "a") == [*ours, *arguments]


def test_stacks_that_start_together_make_one_app_cds_archive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notes, submit = tmp_path / "notes", tmp_path / "submit.py"
    submit.write_text(SUBMIT)
    monkeypatch.setenv("SKYTIER_SPARK_CACHE_FOLDER", str(tmp_path / "cache"))
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SKYTIER_SPARK_SUBMIT", shlex.join([sys.executable, str(submit), str(notes)]))
    spark.write_job_properties()
    stacks = [threading.Thread(target=spark.make_app_cds_archive, args=("process_flight_events",)) for _ in range(2)]
    for stack in stacks:
        stack.start()
    for stack in stacks:
        stack.join()
    assert notes.read_text().splitlines() == ["makes the archive", "runs"]
    assert f"-XX:SharedArchiveFile={app_cds.archive()}" in spark.job_properties_file().read_text()

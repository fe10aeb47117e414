"""What a new stack needs once its servers are ready, and before Airflow starts tasks.

Every step looks first whether its work is done already: all of them run at every ``up``.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from events.pipelines import all_pipelines
from local_stack import processes, single
from local_stack.feed import SKYTIER, first_live_day
from local_stack.progress import Progress
from local_stack.server import base_environment, make_home
from skytier import alerts, app_cds, hot_tier, spark, webhdfs
from skytier.errors import TerminalError
from skytier.settings.base import home
from skytier.settings.feed import FeedSettings
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import HostSettings

_NOTES = "/metadata/bootstrap"
SET_UP = ("postgres", "mongodb", "kafka", "datanode", "sql")
"""the servers in which something has to exist, in the order of who needs whom"""


def run_everywhere() -> None:
    """Set up servers, on whichever hosts they run, then take all steps.

    Raises TransientError where a server does not come.
    """
    make_home(may_be_open=True)
    single.set_up(SET_UP)
    spark.write_job_properties()
    progress = Progress()
    with progress:
        run(progress)


def run(progress: Progress) -> None:
    """Take all steps; the first error ends them."""
    for name, step in STEPS:
        began = time.monotonic()
        progress.begin(name)
        what = step()
        progress.done(name, what, time.monotonic() - began, "")


def _skytier(*arguments: str) -> str:
    """Run one of our own commands, its output going to a log file of its name; what it printed is returned as well."""
    log = processes.log_file(f"bootstrap-{arguments[0]}")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            [SKYTIER, *arguments], env=base_environment(), stdout=subprocess.PIPE, stderr=output, check=False
        )
        output.write(done.stdout)
    if done.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise TerminalError(f"'skytier {' '.join(arguments)}' failed with status {done.returncode}, see {log}:\n{tail}")
    return done.stdout.decode(errors="replace")


def _index_hot_tier() -> str:
    with hot_tier.client() as connection:
        for pipeline in all_pipelines():
            hot_tier.ensure_indexes(hot_tier.collection(connection, pipeline.collection), pipeline.hot_indexes)
        alerts.ensure_indexes(connection)
    return "done"


def _migrate_warehouse() -> str:
    _skytier("warehouse", "migrate")
    return "up to date"


def _train_model() -> str:
    """Train the first model, before there are events to predict on; another stack on this machine may have done it."""
    report = json.loads(_skytier("train", "--if-missing", "--reuse", "--json"))
    return f"champion {report['version']}" if report["promoted"] else "was there"


def _back_fill() -> str:
    """Publish the first weeks of real flights, once in the life of this stack."""
    settings = FeedSettings()
    if not settings.enabled or settings.backfill_days == 0:
        return "not wanted"
    marker = home() / "replay" / "backfill.done"
    if _was_done(marker):
        return "was done"
    last_day: date = first_live_day() - timedelta(days=1)
    # Cut off and run again it starts anew: what is sent twice is stored once.
    _skytier("replay", "--from", settings.start.isoformat(), "--to", last_day.isoformat())
    _note_done(marker)
    return f"{settings.start} to {last_day} published"


def _first_minute_job() -> str:
    """Take in the back-fill before Airflow does, and keep the classes that a job loads: later ones start faster."""
    marker: Path = home() / "run" / "first-minute-job.done"
    if _was_done(marker) and app_cds.archive().exists():
        return "was done"
    if app_cds.archive().exists():
        _skytier("process")
    else:
        _skytier("process", "--app-cds")
    _note_done(marker)
    return "events are in both tiers"


def _was_done(marker: Path) -> bool:
    """Whether a step is noted as done: in a file of this host, or of HDFS where the stack spans hosts."""
    if HostSettings().is_one_host:
        return marker.exists()
    return webhdfs.client(HdfsSettings()).status(f"{_NOTES}/{marker.name}", strict=False) is not None


def _note_done(marker: Path) -> None:
    if HostSettings().is_one_host:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    else:
        webhdfs.client(HdfsSettings()).write(f"{_NOTES}/{marker.name}", data=b"", overwrite=True)


# What to do, in this order, each with the name that ``up`` shows.
STEPS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("hot tier", _index_hot_tier),
    ("warehouse", _migrate_warehouse),
    ("model", _train_model),
    ("back-fill", _back_fill),
    ("minute job", _first_minute_job),
)

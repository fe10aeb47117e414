"""Archiving as Airflow and users do it, on a stack whose hot tier is small."""

from __future__ import annotations

import json
from typing import Any

from skytier import alerts, hot_tier
from skytier.archive import hot
from skytier.archive.manifest import Manifest
from skytier.archive.planning import MB
from skytier.sql import query
from tests.flights_archive import on_hdfs
from tests.minute_job import run, take
from tests.own_stack import OwnStack

EVENTS = 3_000
FIRST = "2012-06-01T00:00:00Z"
"""When the oldest events of the stack begin, those of seed 1: they are the first that leave the hot tier."""
QUICK = {
    "SKYTIER_ARCHIVE_GRACE_SECONDS": "1",
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "0.5",
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS": "0",
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "90",
    "SKYTIER_ARCHIVE_DOCUMENTS_PER_RANGE": "500",
}
VIEW = "SELECT count(*), count(DISTINCT event_id) FROM tiers.flight_events"
AMPLE = {"SKYTIER_ARCHIVE_LIMIT_MB": "300"}


def publish(stack: OwnStack, seed: int, *options: str) -> dict[str, Any]:
    """Some more events through the minute job, then reconciled; the report of what was sent."""
    report: dict[str, Any] = json.loads(
        run(stack, "synthesize", "--events", str(EVENTS), "--seed", str(seed), *options, "--json")
    )
    take(stack)
    return report


def size_mb() -> float:
    """The size of the hot tier now.

    It may be a tenth smaller a moment later: small indexes give back the pages of deleted events at a checkpoint.
    """
    with hot_tier.client() as connection:
        return hot.size(hot_tier.events(connection)).total_bytes / MB


def environment(stack: OwnStack, **settings: str) -> dict[str, str]:
    """Settings under which a run moves about a third of the hot tier."""
    limit_mb = settings.get("SKYTIER_ARCHIVE_LIMIT_MB") or str(size_mb() * 0.75)
    return stack.environment() | QUICK | {"SKYTIER_ARCHIVE_LIMIT_MB": limit_mb} | settings


def archive(stack: OwnStack, *arguments: str, **settings: str) -> str:
    """A command of the archive that must end well; what it printed."""
    done = stack.run_with(environment(stack, **settings), "archive", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failing(stack: OwnStack, *arguments: str, **settings: str) -> str:
    """A command of the archive that must fail; its error message."""
    done = stack.run_with(environment(stack, **settings), "archive", *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.splitlines()[-1]


def archived(stack: OwnStack, **settings: str) -> Manifest:
    """One run to its end."""
    return Manifest.model_validate_json(archive(stack, "run", "--json", **settings))


def begun(stack: OwnStack, *steps: str) -> Manifest:
    """An archive that is planned, and has taken some steps."""
    archive_id = archive(stack, "step", "plan").strip()
    taken(stack, archive_id, *steps)
    return on_hdfs().load(archive_id)


def taken(stack: OwnStack, archive_id: str, *steps: str) -> None:
    """Steps as Airflow takes them, those of Spark in one process."""
    if of_spark := [step for step in steps if step in ("export", "verify")]:
        stack.run_python(f"from skytier import spark; spark.submit('archive_hot_tier', {archive_id!r}, *{of_spark})")
    for step in steps[len(of_spark) :]:
        archive(stack, "step", step, archive_id)


def hot_count() -> int:
    with hot_tier.client() as connection:
        return hot_tier.events(connection).count_documents({})


def open_alerts() -> list[str]:
    """The subjects of the archive's alerts about the size that are not resolved."""
    with hot_tier.client() as connection:
        found = alerts.alerts(connection).find(
            {"kind": "archive", "subject": {"$regex": "^size"}, "resolved_time": None}
        )
        return sorted(one["subject"] for one in found)


def has_alert(subject: str) -> bool:
    with hot_tier.client() as connection:
        return alerts.alerts(connection).count_documents({"kind": "archive", "subject": subject}) > 0


def check_view() -> None:
    """The view has every event that was stored, once."""
    ((stored,),) = query("SELECT count(*) FROM flight_dw.staging_flight_events").rows
    assert query(VIEW).rows == [(stored, stored)]


def flip(content: bytes) -> bytes:
    """One byte of the data changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]

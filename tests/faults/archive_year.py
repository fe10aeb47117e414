"""The real flights of a year through the whole stack, Airflow included: ``python -m tests.faults.archive_year``.

The hot tier may hold 50 MB. Minute runs and archives happen by themselves; in the end the view over both tiers must
have every event of every month, and the hot tier may at no time have been larger than its limit and what an interval of
the archiving DAG brings in.

A year in an hour brings in so much that it counts what comes in while a run goes on: the low-water mark makes room for
that.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from skytier.airflow_api import ARCHIVING, AirflowApi
from skytier.archive.manifest import State
from skytier.settings.base import stack_env_file
from skytier.sql import query
from tests import archives, oracle
from tests.archive_runs import size_mb
from tests.flights_archive import on_hdfs
from tests.own_stack import WITHOUT, OwnStack, own_stack, settings_of

LIMIT_MB = 50
SETTINGS = {
    "SKYTIER_ARCHIVE_LIMIT_MB": str(LIMIT_MB),
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "10",
    "SKYTIER_SQL_QUERY_TIMEOUT_SECONDS": "10",  # which is the grace time too
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "5",
}
INTERVAL_SECONDS, SAMPLE_SECONDS = 300, 2
QUIET_SECONDS = 900

app = App(help="The real flights of a year through the stack, with archives made by Airflow.")


def expected(first: date, last: date) -> dict[tuple[str, str], int]:
    """Events of each month and type, counted from the tables of the real flights."""
    found: dict[tuple[str, str], int] = {}
    day = first
    while day <= last:
        after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = min(last, after - timedelta(days=1))
        found |= {(f"{day:%Y-%m}", kind): n for kind, n in oracle.expected_counts(day, end).items() if n}
        day = after
    return found


def in_both_tiers() -> dict[tuple[str, str], int]:
    """The same from the view over both tiers."""
    rows = query(
        "SELECT substr(flight_date, 1, 7) AS month, event_type, count(*) FROM tiers.flight_events GROUP BY ALL"
    ).rows
    return {(month, kind): number for month, kind, number in rows}


def stored() -> int:
    """Events stored by complete batches."""
    ((number,),) = query("SELECT coalesce(sum(stored), 0) FROM flight_dw.batch_metadata").rows
    return int(number)


def watch(stack: OwnStack, first: date, last: date, speed: float) -> tuple[float, float]:
    """Replay, and wait until all is stored and archived; the largest hot tier, and the largest intake of an interval.

    Both in MB. The intake is by what the samples of the size grew.
    """
    replay = stack.start("replay", "--from", str(first), "--to", str(last), "--speed", str(speed))
    events, largest, grown, intake = sum(expected(first, last).values()), 0.0, [0.0], 0.0
    window, deadline = INTERVAL_SECONDS // SAMPLE_SECONDS, None
    before = 0.0
    while True:
        size = size_mb()
        largest = max(largest, size)
        grown.append(max(0.0, size - before))
        intake, before = max(intake, sum(grown[-window:])), size
        if replay.poll() is not None:
            assert replay.returncode == 0
            deadline = deadline or time.monotonic() + QUIET_SECONDS
            if size <= LIMIT_MB and on_hdfs().open() is None and stored() == events:
                return largest, intake
            assert time.monotonic() < deadline, f"{stored()} of {events} events are stored, {size:.0f} MB are hot"
        time.sleep(SAMPLE_SECONDS)


@app.default
def main(
    *,
    first: date = date(2013, 1, 1),
    last: date = date(2013, 12, 31),
    speed: Annotated[float, Parameter(help="flight minutes a minute")] = 10_000.0,
) -> None:
    """Replay the days and compare; exit status 1 when anything differs."""
    with own_stack("archive-year") as stack, settings_of(stack):
        stack.up(without=WITHOUT)
        with stack_env_file().open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in SETTINGS.items())
        stack.skytier("stack", "down", "sql")
        stack.up(without=("feed",))
        largest, intake = watch(stack, first, last, speed)
        done = archives.manifests(State.DONE)
        found, wanted = in_both_tiers(), expected(first, last)
        runs = AirflowApi().runs(ARCHIVING)
    report = {
        "events": sum(found.values()),
        "archives": len(done),
        "archived": sum(manifest.planned for manifest in done),
        "largest_hot_tier_mb": round(largest, 1),
        "largest_intake_of_an_interval_mb": round(intake, 1),
        "dag_runs": {state: sum(run["state"] == state for run in runs) for state in ("success", "failed")},
    }
    print(json.dumps(report))
    if found != wanted:
        sys.exit(f"Months that differ: { {key for key in found | wanted if found.get(key) != wanted.get(key)} }")
    if largest > LIMIT_MB + intake:
        sys.exit("The hot tier grew by more than an interval's intake over its limit.")


if __name__ == "__main__":
    app()

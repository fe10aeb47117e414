"""The real flights of a year through the whole stack, Airflow included: ``python -m tests.faults.archive_year``.

The hot tier may hold 50 MB. Minute runs and archives happen by themselves; in the end the view over both tiers must
have every event of every month, and the hot tier may at no time have been larger than its limit and what comes in until
the next run has purged: in an interval of the archiving DAG and the longest run. A year in half an hour brings in a MB
a second, so that the run itself counts.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
import time
from datetime import date, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from skytier.airflow_api import ARCHIVING, AirflowApi
from skytier.archive.manifest import Manifest, State
from skytier.archive.manifests import Manifests
from skytier.files import Files
from skytier.settings import stack_env_file
from skytier.sql import query
from tests import archives, oracle
from tests.archive_runs import size_mb
from tests.own_stack import WITHOUT, OwnStack, own_stack, settings_of

LIMIT_MB = 50
SETTINGS = {
    "SKYTIER_ARCHIVE_LIMIT_MB": str(LIMIT_MB),
    "SKYTIER_SQL_QUERY_TIMEOUT_SECONDS": "20",  # which is the grace time too
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


def watch(stack: OwnStack, first: date, last: date, speed: float) -> list[float]:
    """Replay, and wait until all is stored and archived; the size of the hot tier in MB, every two seconds."""
    replay = stack.start("replay", "--from", str(first), "--to", str(last), "--speed", str(speed))
    events, sizes, deadline = sum(expected(first, last).values()), [size_mb()], None
    while True:
        time.sleep(SAMPLE_SECONDS)
        sizes.append(size_mb())
        if replay.poll() is not None:
            assert replay.returncode == 0
            deadline = deadline or time.monotonic() + QUIET_SECONDS
            if sizes[-1] <= LIMIT_MB and Manifests(Files()).open() is None and stored() == events:
                return sizes
            assert time.monotonic() < deadline, f"{stored()} of {events} events are stored, {sizes[-1]:.0f} MB are hot"


def intake_mb(sizes: list[float], seconds: float) -> float:
    """The most that came into the hot tier in so long a time, by what the samples of its size grew."""
    grown = [max(0.0, after - before) for before, after in itertools.pairwise(sizes)]
    window = math.ceil(seconds / SAMPLE_SECONDS)
    return max(sum(grown[end - window : end]) for end in range(min(window, len(grown)), len(grown) + 1))


def purged_after_seconds(manifest: Manifest) -> float:
    """How long after its interval began a run had purged."""
    begun = manifest.state_times[State.PLANNED].timestamp() // INTERVAL_SECONDS * INTERVAL_SECONDS
    return manifest.state_times[State.PURGED].timestamp() - begun


@app.default
def main(
    *,
    first: date = date(2013, 1, 1),
    last: date = date(2013, 12, 31),
    speed: Annotated[float, Parameter(help="flight minutes a minute")] = 21_000.0,
) -> None:
    """Replay the days and compare; exit status 1 when anything differs."""
    with own_stack("archive-year") as stack, settings_of(stack):
        stack.up(without=WITHOUT)
        with stack_env_file().open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in SETTINGS.items())
        stack.skytier("stack", "down", "sql")
        stack.up(without=("feed",))
        sizes = watch(stack, first, last, speed)
        done = archives.manifests(State.DONE)
        found, wanted = in_both_tiers(), expected(first, last)
        runs = AirflowApi().runs(ARCHIVING)
    run_seconds = max(map(purged_after_seconds, done), default=0.0)
    allowed = LIMIT_MB + intake_mb(sizes, INTERVAL_SECONDS + run_seconds)
    report = {
        "events": sum(found.values()),
        "archives": len(done),
        "archived": sum(manifest.planned for manifest in done),
        "largest_hot_tier_mb": round(max(sizes), 1),
        "largest_allowed_mb": round(allowed, 1),
        "largest_intake_of_an_interval_mb": round(intake_mb(sizes, INTERVAL_SECONDS), 1),
        "longest_run_seconds": round(run_seconds),
        "dag_runs": {state: sum(run["state"] == state for run in runs) for state in ("success", "failed")},
    }
    print(json.dumps(report))
    if found != wanted:
        sys.exit(f"Months that differ: { {key for key in found | wanted if found.get(key) != wanted.get(key)} }")
    if max(sizes) > allowed:
        sys.exit("The hot tier grew by more over its limit than what an interval and a run bring in.")


if __name__ == "__main__":
    app()

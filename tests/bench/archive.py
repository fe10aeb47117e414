"""Measures archive runs on a stack of its own, the minute job going on meanwhile: ``python -m tests.bench.archive``.

Runs over 300 MB and over 1,000 MB of documents: how long the work takes, step by step (waits for queries not counted),
and the peak memory of the archive's processes, which must not grow with the run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from skytier import hot_tier
from skytier.archive import hot
from skytier.archive.planning import MB
from tests.bench.memory import MemoryWatch
from tests.faults.archive_rounds import minute_jobs, streaming
from tests.minute_job import run, take
from tests.own_stack import WITHOUT, OwnStack, own_stack, settings_of

BYTES_A_DOCUMENT = 1_250  # of data; what is published is by this a little more than what is moved
SPARE = 1.15
FIRST_DAY = datetime(2012, 1, 1, tzinfo=UTC)  # so early that all fit in before today
NO_WAITS = {
    "SKYTIER_ARCHIVE_GRACE_SECONDS": "0",
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "0",
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS": "0",
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "99.999",
}

app = App(help="Benchmark of the archive, on a stack of its own.")


def _fill(stack: OwnStack, megabytes: float) -> None:
    with hot_tier.client() as connection:
        start = hot_tier.clock(connection) or FIRST_DAY
    events = str(round(megabytes * MB * SPARE / BYTES_A_DOCUMENT))
    run(stack, "synthesize", "--events", events, "--seed", "1", "--start", f"{start:%Y-%m-%dT%H:%M:%SZ}")
    take(stack)


@contextmanager
def _minute_jobs(stack: OwnStack) -> Iterator[None]:
    """500 events a second, and a minute job after the other, until the block ends."""
    with streaming(1_000_000, per_second=500, seed=2), minute_jobs(stack) as errors:
        time.sleep(5)
        yield
    assert not errors, errors


def measured(stack: OwnStack, megabytes: float, *, beside_minute_jobs: bool) -> dict[str, Any]:
    """One run that moves so many megabytes of documents and indexes."""
    _fill(stack, megabytes)
    with hot_tier.client() as connection:
        size = hot.size(hot_tier.events(connection))
    # What moves is counted with its share of the indexes; the documents alone are to be so many megabytes.
    moved_mb = megabytes * size.total_bytes / size.data_bytes
    limits = {
        "SKYTIER_ARCHIVE_LIMIT_MB": str(size.total_bytes / MB - moved_mb),
        "SKYTIER_ARCHIVE_RUN_MB": str(moved_mb),
    }
    watch, busy = MemoryWatch(), _minute_jobs(stack) if beside_minute_jobs else nullcontext()
    with watch.watching(), busy:
        began = time.monotonic()
        done = stack.run_with(stack.environment() | NO_WAITS | limits, "archive", "run", "--json", seconds=1_800)
        seconds = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    manifest = json.loads(done.stdout)
    return {
        "megabytes": round(manifest["estimated_bytes"] / MB),
        "documents": manifest["planned"],
        "beside_minute_jobs": beside_minute_jobs,
        "seconds": round(seconds, 1),
        "steps": manifest["step_seconds"],
        "parquet_mb": round(sum(file["size_bytes"] for file in manifest["files"]) / MB, 1),
        "files": len(manifest["files"]),
        "peak_mib": {name: round(mib) for name, mib in watch.peak.items() if name.startswith("archive")},
    }


@app.default
def main(
    *,
    large: Annotated[float, Parameter(help="MB of documents of the large run")] = 1_000,
    as_json: Annotated[bool, Parameter(name="--json", help="print JSON")] = False,
) -> None:
    """Measure a run of 300 MB alone, one beside minute jobs, and a large one."""
    with own_stack("bench-archive") as stack, settings_of(stack):
        stack.up(without=WITHOUT)
        results = []
        for megabytes, beside in ((300, False), (300, True), (large, False)):
            results.append(measured(stack, megabytes, beside_minute_jobs=beside))
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    if as_json:
        print(json.dumps(results))
        return
    table = Table("MB", "documents", "minute jobs", "seconds", "steps", "Parquet", "peak MiB", title="Archive runs")
    for result in results:
        minute_jobs_ran = "yes" if result["beside_minute_jobs"] else "no"
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result["steps"].items())
        peak = ", ".join(f"{name} {mib:,}" for name, mib in result["peak_mib"].items())
        parquet = f"{result['files']} files, {result['parquet_mb']} MB"
        row = (
            result["megabytes"],
            f"{result['documents']:,}",
            minute_jobs_ran,
            result["seconds"],
            steps,
            parquet,
            peak,
        )
        table.add_row(*map(str, row))
    Console().print(table)


if __name__ == "__main__":
    app()

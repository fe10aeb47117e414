"""Measures the minute job on a stack of its own, all servers up and no minute run but its own: ``make bench``.

Three figures, each beside its target: an empty minute, 100,000 events through to both tiers, and the rate over a
backlog of 1,000,000. Then where the time of a batch goes, and the peak memory of every process.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from datetime import date
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from events.pipelines import flights
from skytier import spark
from skytier.files import Files
from tests.bench.memory import MemoryWatch
from tests.own_stack import SKYTIER, own_stack, settings_of

app = App(help="Benchmark of the minute job, on a stack of its own.")


def _process() -> float:
    """Wall seconds of one minute job as Airflow starts it."""
    start = time.monotonic()
    subprocess.run(
        spark.submit_command("process_flight_events"),
        env=spark.job_environment(),
        check=True,
        capture_output=True,
    )
    return time.monotonic() - start


def _publish(events: int, start: date) -> None:
    synthesize = [SKYTIER, "synthesize", "--events", str(events), "--start", f"{start}T00:00:00Z"]
    subprocess.run(synthesize, check=True, capture_output=True)


def _marks() -> dict[int, dict[str, Any]]:
    files = Files()
    names = [name for name in files.list(flights().metadata_folder) if name.startswith("batch_")]
    return {
        mark["batch_id"]: mark for mark in (files.read_json(f"{flights().metadata_folder}/{name}") for name in names)
    }


def _timed(events: int, start: date) -> tuple[float, list[dict[str, Any]]]:
    """Publish, then process: wall seconds of the job and the marks of its batches."""
    before = _marks()
    _publish(events, start)
    seconds = _process()
    new = [mark for batch, mark in sorted(_marks().items()) if batch not in before]
    consumed = sum(mark["consumed"] for mark in new)
    if consumed != events:
        raise SystemExit(f"The counts differ: {events} events were published and {consumed} consumed.")
    return seconds, new


@app.default
def main(
    *,
    runs: Annotated[int, Parameter(help="repetitions of the first two measurements; the median is reported")] = 3,
    backlog: Annotated[int, Parameter(help="events of the backlog")] = 1_000_000,
    as_json: Annotated[bool, Parameter(name="--json", help="print JSON")] = False,
) -> None:
    """Run all three measurements and print them."""
    watch = MemoryWatch()
    with own_stack("bench") as stack, settings_of(stack), watch.watching():
        stack.up(without=["airflow-scheduler", "feed"])
        _timed(1_000, date(2014, 1, 1))  # the first batch ever creates files that later ones find
        empty = [_process() for _ in range(max(runs, 3))]
        hundred = [_timed(100_000, date(2014, 2 + n, 1)) for n in range(runs)]
        backlog_seconds, backlog_marks = _timed(backlog, date(2015, 1, 1))
    median_100k = sorted(hundred, key=lambda run: run[0])[len(hundred) // 2]
    result = {
        "empty_minute_seconds": {"median": round(statistics.median(empty), 2), "all": [round(s, 2) for s in empty]},
        "100k_seconds": {"median": round(median_100k[0], 2), "all": [round(s, 2) for s, _ in hundred]},
        "100k_steps": median_100k[1][0]["step_seconds"],
        "backlog_events_per_second": round(backlog / backlog_seconds),
        "backlog_batches": [
            {"consumed": mark["consumed"], "seconds": round(sum(mark["step_seconds"].values()), 1)}
            for mark in backlog_marks
        ],
        "peak_memory_mib": {name: round(mib) for name, mib in sorted(watch.peak.items(), key=lambda item: -item[1])},
        "peak_memory_total_mib": round(watch.peak_total),
    }
    if as_json:
        print(json.dumps(result))
        return
    _print(result)


def _print(result: dict[str, Any]) -> None:
    console = Console()
    table = Table("measured", "value", "limit", "aim", title="Minute job")
    table.add_row("an empty minute", f"{result['empty_minute_seconds']['median']} s", "6 s", "4 s")
    table.add_row("100,000 events to both tiers", f"{result['100k_seconds']['median']} s", "30 s", "20 s")
    table.add_row("backlog", f"{result['backlog_events_per_second']:,} events/s", "7,000", "10,000")
    console.print(table)
    for title, values, unit in (
        ("Steps of a batch of 100,000", result["100k_steps"], "s"),
        ("Peak memory", result["peak_memory_mib"], "MiB"),
    ):
        rows = Table("part", unit, title=title)
        for name, value in values.items():
            rows.add_row(name, f"{value:,}")
        console.print(rows)
    console.print(f"Peak memory of all at one moment: {result['peak_memory_total_mib']:,} MiB")
    console.print(f"Batches of the backlog: {result['backlog_batches']}")
    console.print(f"Runs: empty {result['empty_minute_seconds']['all']} s, 100,000 {result['100k_seconds']['all']} s")


if __name__ == "__main__":
    app()

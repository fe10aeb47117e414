"""One record of a large batch that a step fails at, in each place: ``python -m tests.faults.quarantine_rounds``."""

from __future__ import annotations

import json
import time
from typing import Annotated

from cyclopts import App, Parameter

from skytier import faults
from skytier.sql import query
from tests import stores
from tests.minute_job import process, run
from tests.own_stack import BY_SPARK_SUBMIT, WITHOUT, OwnStack, own_stack, settings_of

LONGEST_SECONDS = 3600.0  # beside other work
PLACES = ("prepare", "predict", "staging_flight_events", "hot_tier", "dead_letters")

app = App(help="One record of a large batch that a step fails at, in each place, on a stack of its own.")


def poison(is_rejected: bool) -> str:
    """The id of a record of the newest batch: an event that is rejected for its distance, or any one."""
    for _, _, value in reversed(stores.topic_records()):
        if not is_rejected or b'"distance_miles":-' in value:
            return str(json.loads(value)["event_id"])
    raise AssertionError("no record was rejected for its distance")


def round_of(stack: OwnStack, place: str, events: int, seed: int) -> float:
    """Publish, process with the fault in place; the seconds of the job. Raises AssertionError when it is not exact."""
    is_rejected = place == "dead_letters"
    rates = ("--malformed-rate", "0.05" if is_rejected else "0")
    start = f"{2014 + PLACES.index(place)}-01-01T00:00:00Z"  # each round has a year's room before the next
    made = ("--events", str(events), "--seed", str(seed), "--start", start, *rates, "--json")
    report = json.loads(run(stack, "synthesize", *made))
    event_id = poison(is_rejected)
    began = time.monotonic()
    seconds = 0.0

    def job(own: OwnStack) -> None:
        nonlocal seconds
        environment = own.environment() | BY_SPARK_SUBMIT | {faults.RAISE_VARIABLE: f"{place}={event_id}"}
        done = own.run_with(environment, "process", seconds=LONGEST_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        seconds = time.monotonic() - began

    added = process(stack, job)
    ((batch,),) = query("SELECT max(batch_id) FROM flight_dw.batch_metadata").rows
    rows = query(
        "SELECT event_id, error FROM flight_dw.rejected_flight_events "
        f"WHERE batch_id = {batch} AND array_contains(reasons, 'unprocessable')"
    ).rows
    assert added["consumed"] == events
    assert added["consumed"] == added["stored"] + added["duplicates"] + added["rejected"], added
    assert added["stored"] == report["valid_unique"] - (not is_rejected), added
    assert len(rows) == 1, rows
    assert rows[0][1].startswith(f"{place}: "), rows
    return seconds


@app.default
def main(*, events: Annotated[int, Parameter(help="events of a batch")] = 100_000) -> None:
    """Exit status 1 when a run fails or a record is not accounted for exactly once."""
    with own_stack("quarantine") as stack, settings_of(stack):
        stack.up(without=WITHOUT)
        for seed, place in enumerate(PLACES, start=900):
            seconds = round_of(stack, place, events, seed)
            print(f"{place}: 1 of {events} records set aside, the others stored, in {seconds:.0f} s.", flush=True)


if __name__ == "__main__":
    app()

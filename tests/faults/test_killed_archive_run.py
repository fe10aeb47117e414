"""Archives under kills, and readers beside them: a smaller round of the two commands beside this module."""

from __future__ import annotations

import pytest

from skytier.sql import query
from tests.faults.archive_reader import count_meanwhile
from tests.faults.archive_rounds import rounds
from tests.minute_job import run, take
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

EVENTS = 4_000


def test_every_count_is_right_while_archives_run_and_are_restored(stack: OwnStack) -> None:
    run(stack, "synthesize", "--events", str(EVENTS), "--start", "2013-06-01T00:00:00Z")
    take(stack)
    ((events,),) = query("SELECT count(*) FROM flight_dw.staging_flight_events").rows
    answers = count_meanwhile(stack, events, counts=50, runs=2, restore_every=2, readers=1)
    assert sum(answers.values()) >= 50


def test_runs_killed_in_every_state_lose_and_double_nothing(stack: OwnStack) -> None:
    tally = rounds(stack, runs=5, per_second=100, limit_mb=6, pause_seconds=30)
    assert sum(tally["kills"].values()) == 5
    assert tally["hot"] + tally["archived"] == tally["sent"] > EVENTS

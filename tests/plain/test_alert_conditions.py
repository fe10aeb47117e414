"""Which conditions raise an alert: each limit from both sides, and the messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skytier.alert_conditions import (
    MEAN_SCORE,
    MINUTE_JOB,
    RECORDS,
    REJECTED,
    Batch,
    newest_ended,
    of_dags,
    of_lag,
    of_quality,
    of_servers,
)
from skytier.alerts import Severity
from skytier.lag import PartitionLag
from skytier.server_probes import Health, State
from skytier.settings.alerts import AlertSettings

pytestmark = pytest.mark.plain

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
LIMITS = AlertSettings(lag_records=100, lag_minutes=15, quality_records=50, quality_minutes=60)
MINUTE = "flight_processing_dag"


def health(**states: State) -> dict[str, Health]:
    return {name.replace("_", "-"): Health(state, None, f"why {state}") for name, state in states.items()}


@pytest.mark.parametrize("first", State)
@pytest.mark.parametrize("again", State)
def test_a_server_that_is_down_twice_raises_an_alert(first: State, again: State) -> None:
    found = of_servers(health(kafka=first, sql=State.OK), health(kafka=again, sql=State.OK))
    assert set(found) == ({"kafka"} if first is again is State.DOWN else set())


def test_an_alert_on_a_server_has_the_reason_and_a_severity() -> None:
    found = of_servers(*[health(kafka=State.DOWN, redis=State.DOWN, airflow_dags=State.DOWN)] * 2)
    assert found["kafka"].message.startswith("It is down: why down. ")
    assert {name: condition.severity for name, condition in found.items()} == {
        "kafka": Severity.CRITICAL,
        "redis": Severity.WARNING,
        "airflow-dags": Severity.WARNING,
    }


def run(state: str, number: int = 0) -> dict[str, Any]:
    return {"state": state, "dag_run_id": f"run {number}"}


@pytest.mark.parametrize(
    ("states", "raised"),
    [
        ([], False),
        (["running"], False),
        (["success", "failed"], False),
        (["failed", "success"], True),
        (["running", "queued", "failed", "success"], True),
        (["running", "success", "failed"], False),
    ],
)
def test_of_a_dag_the_newest_run_that_ended_counts(states: list[str], raised: bool) -> None:
    runs = [run(state, number) for number, state in enumerate(states)]
    found = of_dags({MINUTE: runs, "other": [run("success")]}, {MINUTE: ["reconcile_batches", "b"]})
    assert set(found) == ({MINUTE} if raised else set())
    if raised:
        newest = newest_ended(runs)
        assert newest is not None
        assert found[MINUTE].message.startswith(f"Run {newest['dag_run_id']} failed in reconcile_batches, b: ")


@pytest.mark.parametrize(
    ("dag", "severity"),
    [(MINUTE, Severity.CRITICAL), ("mongodb_archiving_dag", Severity.CRITICAL), ("other", Severity.WARNING)],
)
def test_a_dag_that_moves_data_is_critical(dag: str, severity: Severity) -> None:
    condition = of_dags({dag: [run("failed")]}, {})[dag]
    assert condition.severity is severity
    assert "failed in no task" in condition.message


def lag(*waiting: int) -> list[PartitionLag]:
    return [PartitionLag(number, 5, 20 + count, 20) for number, count in enumerate(waiting)]


@pytest.mark.parametrize(
    ("processed", "waiting"),
    [(None, 10), (0, 10), (5, 10), (9, 6), (15, 0)],
    ids=["none", "lost", "all", "some", "done"],
)
def test_what_waits_is_what_kafka_still_holds(processed: int | None, waiting: int) -> None:
    assert PartitionLag(0, 5, 15, processed).waiting == waiting


@pytest.mark.parametrize(("waiting", "raised"), [((50, 50), set()), ((50, 51), {RECORDS}), ((0, 0), set())])
def test_more_waiting_records_than_the_limit_raise_an_alert(waiting: tuple[int, int], raised: set[str]) -> None:
    found = of_lag(lag(*waiting), NOW, NOW, LIMITS)
    assert set(found) == raised
    if raised:
        assert found[RECORDS] == (Severity.WARNING, "101 records wait in Kafka, and the limit is 100.")


@pytest.mark.parametrize(
    ("waiting", "minutes", "raised"), [(1, 15, False), (1, 16, True), (0, 600, False), (1, None, False)]
)
def test_waiting_records_raise_an_alert_while_no_batch_is_committed(
    waiting: int, minutes: int | None, raised: bool
) -> None:
    newest = None if minutes is None else NOW - timedelta(minutes=minutes)
    found = of_lag(lag(waiting), newest, NOW, LIMITS)
    assert set(found) == ({MINUTE_JOB} if raised else set())
    if raised:
        assert found[MINUTE_JOB].severity is Severity.CRITICAL
        assert "1 records wait in Kafka, and the newest batch is 16 minutes old" in found[MINUTE_JOB].message


def batch(minutes_ago: float = 0, consumed: int = 100, rejected: int = 0, score: float | None = 1.0) -> Batch:
    return Batch(NOW - timedelta(minutes=minutes_ago), consumed, consumed - rejected, rejected, score)


@pytest.mark.parametrize(("rejected", "raised"), [(5, False), (6, True), (100, True)])
def test_a_high_share_of_rejected_records_raises_an_alert(rejected: int, raised: bool) -> None:
    found = of_quality([batch(rejected=rejected, score=None)], LIMITS)
    assert found is not None
    assert set(found) == ({REJECTED} if raised else set())
    if raised:
        start = f"{rejected} of the newest 100 records ({rejected}.0%) were rejected, and the limit is 5%"
        assert found[REJECTED].message.startswith(start)


@pytest.mark.parametrize(("scores", "raised"), [((0.8, 0.8), False), ((0.9, 0.69), True), ((None, 0.79), True)])
def test_a_low_mean_score_raises_an_alert(scores: tuple[float | None, ...], raised: bool) -> None:
    found = of_quality([batch(score=score) for score in scores], LIMITS)
    assert found is not None
    assert set(found) == ({MEAN_SCORE} if raised else set())


def test_the_mean_score_is_that_of_events_not_of_batches() -> None:
    found = of_quality([batch(consumed=1000, score=0.79), batch(consumed=10, score=1.0)], LIMITS)
    assert found is not None
    assert "1,010 events have a mean quality score of 0.79" in found[MEAN_SCORE].message


def test_of_quality_the_newest_batches_count() -> None:
    good_again = [batch(0), batch(60), batch(61, rejected=100), batch(62, score=0.1)]
    assert of_quality(good_again, LIMITS) == {}
    bad_now = [batch(0, rejected=100), batch(61), batch(61)]
    assert set(of_quality(bad_now, LIMITS) or {}) == {REJECTED}


@pytest.mark.parametrize("batches", [[], [batch(consumed=49, rejected=49)], [batch(0, 1), batch(61, 1000)]])
def test_few_records_say_nothing_of_quality(batches: list[Batch]) -> None:
    assert of_quality(batches, LIMITS) is None


def test_messages_say_what_was_found_the_limit_and_where_to_look() -> None:
    failed = of_dags({MINUTE: [run("failed", 7)]}, {MINUTE: ["a"]})
    assert failed[MINUTE].message == "Run run 7 failed in a: the task's log in Airflow ends with the reason."
    late = of_lag(lag(2), NOW - timedelta(minutes=90), NOW, LIMITS)
    assert late[MINUTE_JOB].message == (
        "2 records wait in Kafka, and the newest batch is 90 minutes old: "
        "check that the minute run succeeds and that its DAG is switched on."
    )
    assert of_quality([batch(rejected=50, score=0.5)], LIMITS) == {
        REJECTED: (
            Severity.WARNING,
            "50 of the newest 100 records (50.0%) were rejected, and the limit is 5%: "
            "flight_dw.rejected_flight_events has the reasons.",
        ),
        MEAN_SCORE: (
            Severity.WARNING,
            "The newest 50 events have a mean quality score of 0.50, and the limit is 0.8: "
            "the page Data Quality shows the flags.",
        ),
    }


def test_as_many_records_as_the_limit_say_something_of_quality() -> None:
    assert of_quality([batch(consumed=50)], LIMITS) == {}
    assert set(of_quality([batch(0), batch(60, rejected=100)], LIMITS) or {}) == {REJECTED}

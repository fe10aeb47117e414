"""Predictions on real servers equal those of training, in every store; no event is lost without a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.delay import REGISTRY_ROOT, delay_model, features, model_versions
from models.delay.training_data import from_package, from_warehouse
from models.registry import CHAMPION, Registry
from skytier import alerts, hot_tier
from skytier.files import Files
from skytier.sql import query
from tests.minute_job import JANUARY, drain, drain_by_itself, process, run
from tests.own_stack import OwnStack

pytestmark = pytest.mark.stack

Way = Callable[[OwnStack], None]


def hot_events(**condition: Any) -> pd.DataFrame:
    with hot_tier.client() as connection:
        found = pd.DataFrame(list(hot_tier.events(connection).find({"source": "replay"} | condition)))
    return found.set_index("_id")


@pytest.fixture(scope="module")
def champion(january: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> delay_model.DelayModel:
    known = Registry(Files(), REGISTRY_ROOT)
    version = known.champion()
    assert version is not None
    return delay_model.load(known.fetch(version.version, tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def offline(champion: delay_model.DelayModel) -> pd.DataFrame:
    """What training's own code predicts for the flights of January, by event_id, and the delay that came."""
    events = from_package(*JANUARY).events
    targets = events[features.is_predicted_on(events)]
    made = champion.predict(features.build(targets, events), targets["event_type"].map(features.STAGES))
    arrived = events[events["event_type"] == "arrived"].set_index("flight_id")["arrival_delay_minutes"]
    return made.assign(actual=targets["flight_id"].map(arrived)).set_axis(targets["event_id"])


def test_serving_predicts_what_training_would(offline: pd.DataFrame) -> None:
    served = hot_events(event_type={"$in": list(features.STAGES)})
    assert sorted(served.index) == sorted(offline.index)
    for name in delay_model.PREDICTION_COLUMNS:
        assert (served[name] == offline[name].reindex(served.index)).all(), name


def test_the_outcomes_agree_with_the_offline_evaluation(offline: pd.DataFrame) -> None:
    rows = query(
        "SELECT stage, count(*), avg(abs(error_minutes)) FROM flight_dw.prediction_outcomes "
        "WHERE source = 'replay' GROUP BY stage"
    ).rows
    known = offline[offline["actual"].notna()]
    error = (known["actual"] - known["predicted_delay_minutes"]).abs().groupby(known["prediction_stage"])
    assert {stage: count for stage, count, _ in rows} == error.size().to_dict()
    assert {stage: mae for stage, _, mae in rows} == pytest.approx(error.mean().to_dict(), abs=0.005)


def test_the_accuracy_view_sums_up_the_outcomes(january: dict[str, int]) -> None:
    of_view = query(
        "SELECT stage, sum(predictions), sum(predictions * mean_absolute_error_minutes) / sum(predictions), "
        "sum(predictions * in_interval_pct) / sum(predictions) FROM flight_dw.prediction_accuracy GROUP BY stage"
    ).rows
    of_outcomes = query(
        "SELECT stage, count(*), avg(abs(error_minutes)), 100 * avg(CAST(is_in_interval AS int)) "
        "FROM flight_dw.prediction_outcomes GROUP BY stage"
    ).rows
    for ours, theirs in zip(sorted(of_view), sorted(of_outcomes), strict=True):
        assert ours[0] == theirs[0]
        assert ours[1:] == pytest.approx(theirs[1:])


def marks(condition: str) -> set[bool | None]:
    """How the outcomes that fulfil the condition are marked."""
    rows = query(f"SELECT DISTINCT is_in_training FROM flight_dw.prediction_outcomes WHERE {condition}").rows
    return {mark for (mark,) in rows}


@pytest.fixture
def versions(champion: delay_model.DelayModel) -> Iterator[Callable[[str], object]]:
    """Changes what the warehouse knows of the champion, until the test ends."""
    where = f"WHERE model_version = '{champion.version}'"
    yield lambda change: query(f"{change.format('flight_dw.model_versions')} {where}")
    query(f"DELETE FROM flight_dw.model_versions {where}")
    model_versions.record(Registry(Files(), REGISTRY_ROOT))


def test_what_the_first_champion_predicts_of_january_is_marked_and_nothing_else(
    stack: OwnStack, champion: delay_model.DelayModel
) -> None:
    """It was trained on January to October; flights that are invented in these days were not there."""
    run(stack, "synthesize", "--events", "600", "--seed", "903")
    process(stack)
    assert marks("source = 'replay'") == {True}
    assert marks("source = 'synthetic' AND flight_date < DATE '2013-10-01'") == {False}


def test_days_after_the_training_are_not_marked(versions: Callable[[str], object]) -> None:
    versions("UPDATE {} SET train_to = DATE '2013-01-15'")
    assert marks("source = 'replay' AND flight_date <= DATE '2013-01-15'") == {True}
    assert marks("source = 'replay' AND flight_date > DATE '2013-01-15'") == {False}
    of_outcomes, of_view = (
        query(f"SELECT is_in_training, {count} FROM flight_dw.{view} GROUP BY is_in_training ORDER BY 1").rows
        for view, count in (("prediction_outcomes", "count(*)"), ("prediction_accuracy", "sum(predictions)"))
    )
    assert of_view == of_outcomes


def test_a_training_on_the_warehouse_knows_what_was_there_before_it(versions: Callable[[str], object]) -> None:
    versions("UPDATE {} SET trained_on = 'warehouse', trained_at = TIMESTAMP '2013-06-01 00:00:00'")
    assert marks("source = 'replay'") == {False}
    versions("UPDATE {} SET trained_at = current_timestamp()")
    assert marks("source = 'replay'") == {True}


def test_of_an_unknown_version_nothing_is_claimed(versions: Callable[[str], object]) -> None:
    versions("DELETE FROM {}")
    assert marks("source = 'replay'") == {None}


def test_every_store_has_the_same_predictions(january: dict[str, int]) -> None:
    hot = hot_events(event_type={"$in": list(features.STAGES)})["predicted_delay_minutes"]
    expected = pytest.approx((len(hot), hot.sum()))
    of_replay = "SELECT event_id FROM flight_dw.fact_flight_events WHERE source = 'replay' AND event_type != 'arrived'"
    for table in ("fact_flight_events", "predictions"):
        rows = query(
            f"SELECT count(predicted_delay_minutes), sum(predicted_delay_minutes) FROM flight_dw.{table} "
            f"WHERE event_id IN ({of_replay})"
        ).rows
        assert rows[0] == expected, table


def test_what_arrived_carries_both_predictions_and_their_errors(offline: pd.DataFrame) -> None:
    arrived = hot_events(event_type="arrived")
    for stage, kind in (("before_departure", "scheduled"), ("after_departure", "departed")):
        made = offline["predicted_delay_minutes"].reindex(arrived["flight_id"] + f":{kind}").to_numpy()
        assert (arrived[f"predicted_{stage}_minutes"] == made).all()
        assert np.allclose(arrived[f"error_{stage}_minutes"], arrived["arrival_delay_minutes"] - made)
    assert (arrived["prediction_error_minutes"] == arrived["error_after_departure_minutes"]).all()


def test_the_warehouse_holds_what_the_package_does_to_train_on(stack: OwnStack, january: dict[str, int]) -> None:
    export = "from skytier import spark; spark.submit('export_training_events')"
    stack.run_python(export)
    ours = from_warehouse(Files()).events.set_index("event_id")
    theirs = from_package(*JANUARY).events.set_index("event_id")
    ours = ours.reindex(theirs.index)
    for name in theirs:
        both_missing = ours[name].isna() & theirs[name].isna()
        assert ((ours[name] == theirs[name]) | both_missing).all(), name


@pytest.fixture
def no_champion() -> Iterator[None]:
    files, path = Files(), f"{REGISTRY_ROOT}/{CHAMPION}"
    kept = files.read_json(path)
    files.delete(path)
    yield
    files.write_json_atomically(path, kept)


@pytest.fixture
def damaged_champion(stack: OwnStack, champion: delay_model.DelayModel) -> Iterator[None]:
    """A champion whose file on HDFS is cut off, and no good copy on this machine."""
    files, name = Files(), delay_model.model_file(features.BEFORE, "point")
    path = f"{REGISTRY_ROOT}/{champion.version}/{name}"
    kept, copy = files.read_bytes(path), stack.home / "models" / champion.version / name
    files.write_atomically(path, kept[:1000])
    copy.unlink(missing_ok=True)
    yield
    files.write_atomically(path, kept)


# Workers of a driver that stays have the model already: a damaged one is found by those that start.
@pytest.mark.parametrize(
    ("broken", "seed", "by"), [("no_champion", 901, drain), ("damaged_champion", 902, drain_by_itself)]
)
def test_without_a_model_events_flow_unscored(
    stack: OwnStack, january: dict[str, int], request: pytest.FixtureRequest, broken: str, seed: int, by: Way
) -> None:
    request.getfixturevalue(broken)
    with hot_tier.client() as connection:
        alerts.alerts(connection).delete_many({})
    report = json.loads(run(stack, "synthesize", "--events", "300", "--seed", str(seed), "--json"))
    assert process(stack, by)["stored"] == report["valid_unique"]
    ((unscored,),) = query(
        "SELECT count(*) FROM flight_dw.fact_flight_events WHERE predicted_delay_minutes IS NULL "
        "AND batch_id = (SELECT max(batch_id) FROM flight_dw.batch_metadata)"
    ).rows
    assert unscored == report["valid_unique"]
    with hot_tier.client() as connection:
        (alert,) = alerts.alerts(connection).find({"kind": "model"})
    assert "unscored" in alert["message"]

"""The queries of Prediction & Insights: predicted and actual delays of arrived flights.

An ``arrived`` event contains both predictions of its flight, so that one scan of the fact table is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.panels.filters import Filters
from dashboard.panels.tiers import cache, function_query, sql
from models.delay import REGISTRY_ROOT, delay_model
from models.delay.features import AFTER, BEFORE
from models.registry import Registry
from skytier.cache import Query
from skytier.files import Files
from skytier.settings.base import home
from skytier.warehouse import literal

STAGES = (AFTER, BEFORE)
ACCURATE_WITHIN_MINUTES = delay_model.ACCURATE_WITHIN_MINUTES
PERCENTAGE_FROM_MINUTES = 15.0
"""The MAPE excludes smaller delays, early or late: a percentage of them is not meaningful."""
ANOMALY_TIMES = 3.0
"""The error of an anomaly is at least this many times the distance from the prediction to the interval's bound."""
BIN_MINUTES, FIRST_BIN_MINUTES, LAST_BIN_MINUTES = 10, -60, 180
LARGEST = 50
DRIFT_DAYS = 14

_TEST_NAMES = ("model_version", "stage", "predictor", "test_from", "test_to")
_TEST_NUMBERS = (
    "mean_absolute_error_minutes",
    "root_mean_squared_error_minutes",
    "mean_error_minutes",
    "r2",
    "in_interval_pct",
)

# The same as in flight_dw.prediction_outcomes; a test compares them.
_IS_IN_TRAINING = """(flight_date BETWEEN v.train_from AND v.train_to
    AND CASE v.trained_on WHEN 'package' THEN source = 'replay' ELSE processing_timestamp < v.trained_at END)"""

_CARRIED = {
    AFTER: """predicted_after_departure_minutes AS predicted_delay_minutes,
    predicted_delay_lower_minutes AS lower_minutes, predicted_delay_upper_minutes AS upper_minutes,
    prediction_confidence AS confidence, model_version""",
    BEFORE: """predicted_before_departure_minutes AS predicted_delay_minutes,
    lower_before_departure_minutes AS lower_minutes, upper_before_departure_minutes AS upper_minutes,
    confidence_before_departure AS confidence, model_version_before_departure AS model_version""",
}
"""The columns of each stage's prediction in an ``arrived`` event."""

_SUMS = f"""count(*) AS predictions,
  sum(abs(error_minutes)) AS absolute_error_sum,
  sum(error_minutes * error_minutes) AS squared_error_sum,
  sum(error_minutes) AS error_sum,
  count_if(abs(actual_delay_minutes) >= {PERCENTAGE_FROM_MINUTES}) AS percentage_predictions,
  sum(CASE WHEN abs(actual_delay_minutes) >= {PERCENTAGE_FROM_MINUTES}
    THEN abs(error_minutes / actual_delay_minutes) ELSE 0 END) AS percentage_error_sum,
  count_if(actual_delay_minutes BETWEEN lower_minutes AND upper_minutes) AS in_interval,
  sum(upper_minutes - lower_minutes) AS interval_sum,
  count_if(abs(error_minutes) <= {ACCURATE_WITHIN_MINUTES}) AS accurate,
  sum(confidence) AS confidence_sum,
  count_if(times_margin >= {ANOMALY_TIMES}) AS anomalies,
  sum(actual_delay_minutes) AS actual_sum,
  count(test_mae) AS with_test_mae,
  sum(test_mae) AS test_mae_sum"""


def evaluated(filters: Filters) -> Query:
    """Sums over the predictions of arrived flights, in several groupings of one scan.

    ``part`` names the grouping: ``day`` (``flight_date``), ``airline`` (``airline``), ``cell`` (``predicted_bin`` and
    ``actual_bin``, the lower bounds in minutes; the first and the last bin are open), ``confidence``
    (``confidence_bin``, the lower bound, by 0.05), ``version`` (``model_version``). In each ``stage``,
    ``is_in_training`` (null where unknown), ``predictions``, and the sums of the metrics: errors and widths in minutes,
    shares and confidences from 0 to 1.
    """
    return sql(
        f"""
SELECT
  CASE WHEN grouping(flight_date) = 0 THEN 'day' WHEN grouping(airline) = 0 THEN 'airline'
    WHEN grouping(confidence_bin) = 0 THEN 'confidence' WHEN grouping(model_version) = 0 THEN 'version'
    ELSE 'cell' END AS part,
  stage, is_in_training, flight_date, airline, predicted_bin, actual_bin, confidence_bin, model_version,
  {_SUMS}
FROM (
  SELECT *,
    {_bin("predicted_delay_minutes")} AS predicted_bin,
    {_bin("actual_delay_minutes")} AS actual_bin,
    floor(least(confidence, 0.999D) * 20) / 20 AS confidence_bin
  FROM ({_outcomes(filters, STAGES)})
)
GROUP BY GROUPING SETS (
  (stage, is_in_training, flight_date), (stage, is_in_training, airline),
  (stage, is_in_training, predicted_bin, actual_bin), (stage, is_in_training, confidence_bin),
  (stage, is_in_training, model_version)
)"""
    )


def largest(filters: Filters, stage: str, *, by_margin: bool, seen: bool) -> Query:
    """The predictions of a stage with the largest errors, descending.

    Sorted by minutes, or ``by_margin``: by ``times_margin``, the error divided by the distance from the prediction to
    the bound of its interval on that side. Without ``seen``, flights of the training data are excluded. ``flight_id``,
    ``destination``, ``error_minutes`` (actual minus predicted), ``times_margin``, ``predicted_delay_minutes``,
    ``actual_delay_minutes``, ``lower_minutes``, ``upper_minutes``, ``confidence_pct``, ``is_in_training``,
    ``model_version``.
    """
    order = "times_margin" if by_margin else "abs(error_minutes)"
    return sql(
        f"""
SELECT flight_id, destination, error_minutes, times_margin, predicted_delay_minutes, actual_delay_minutes,
  lower_minutes, upper_minutes, 100 * confidence AS confidence_pct, is_in_training, model_version
FROM ({_outcomes(filters, [stage])})
{"" if seen else "WHERE is_in_training IS DISTINCT FROM true"}
ORDER BY {order} DESC, flight_id
LIMIT {LARGEST}"""
    )


def drift(filters: Filters) -> Query:
    """The stability index of each feature and of the errors on the newest days, for the newest version.

    ``flight_date``, ``stage``, ``measure`` (feature, error), ``name``, ``value`` (the index), ``reference`` (the
    maximum of a training day, if known), ``flights``, ``model_version``. It covers all airlines and origins.
    """
    days = replace(filters, airlines=(), origins=())
    return sql(
        f"""
SELECT flight_date, stage, measure, name, value, reference, flights, model_version
FROM (
  SELECT *, dense_rank() OVER (ORDER BY flight_date DESC) AS age
  FROM flight_dw.model_drift
  {days.where("model_version = (SELECT max_by(model_version, computed_at) FROM flight_dw.model_drift)")}
)
WHERE age <= {DRIFT_DAYS} AND (measure = 'feature' OR name = 'error_distribution')"""
    )


def importance() -> Query:
    """The feature importance of the champion: ``model_version``, ``stage``, ``feature``, ``gain_pct``.

    The gain is the reduction of the training loss by all splits on a feature (XGBoost's ``total_gain``), in % of the
    gain of all features of the stage.
    """
    return function_query(_importance, cache().settings.cold_seconds)


def test_days() -> Query:
    """The metrics of the champion and of two baselines on the test days.

    ``_TEST_NAMES`` (``predictor``: model, train_median, airline_hour_mean) and ``_TEST_NUMBERS``: errors in minutes,
    actual minus predicted; ``in_interval_pct`` of the model only.
    """
    return function_query(_test_days, cache().settings.cold_seconds)


def _bin(column: str) -> str:
    inside = f"least(greatest({column}, {FIRST_BIN_MINUTES}), {LAST_BIN_MINUTES - 1})"
    return f"CAST(floor({inside} / {BIN_MINUTES}) * {BIN_MINUTES} AS int)"


def _outcomes(filters: Filters, stages: Sequence[str]) -> str:
    """A subquery with a row for each prediction of the stages, of arrived flights."""
    made = ", ".join(f"struct({literal(stage)} AS stage, {_CARRIED[stage]})" for stage in stages)
    bound = "CASE WHEN error_minutes > 0 THEN upper_minutes ELSE lower_minutes END"
    # A bound can equal the prediction: the margin is at least one minute.
    margin = f"greatest(abs({bound} - predicted_delay_minutes), 1)"
    return f"""
SELECT o.*, abs(error_minutes) / {margin} AS times_margin,
  {_IS_IN_TRAINING} AS is_in_training,
  CASE stage {" ".join(f"WHEN {literal(stage)} THEN v.mae_{stage}_minutes" for stage in stages)} END AS test_mae
FROM (
  SELECT *, actual_delay_minutes - predicted_delay_minutes AS error_minutes
  FROM (
    SELECT flight_id, flight_date, airline, destination, source, processing_timestamp,
      arrival_delay_minutes AS actual_delay_minutes, inline(array({made}))
    FROM flight_dw.fact_flight_events {filters.where("event_type = 'arrived'")}
  )
  WHERE predicted_delay_minutes IS NOT NULL AND actual_delay_minutes IS NOT NULL
) o LEFT JOIN flight_dw.model_versions v ON v.model_version = o.model_version"""


def _importance() -> pa.Table:
    registry = Registry(Files(), REGISTRY_ROOT)
    rows = []
    if champion := registry.champion():
        model = delay_model.load(registry.fetch(champion.version, home() / "models"))
        for stage, trees in model.stages.items():
            found = trees.point.get_score(importance_type="total_gain")
            gains = {name: float(np.sum(gain)) for name, gain in found.items()}
            total = sum(gains.values())
            rows += [(champion.version, stage, name, 100 * gain / total) for name, gain in gains.items()]
    return _table(rows, ("model_version", "stage", "feature"), ("gain_pct",))


def _test_days() -> pa.Table:
    registry = Registry(Files(), REGISTRY_ROOT)
    rows = []
    if champion := registry.champion():
        card = registry.card(champion.version)
        for stage, of_model in card["metrics"].items():
            for predictor, found in ({"model": of_model} | card.get("baselines", {}).get(stage, {})).items():
                inside = 100 * found["coverage"] if "coverage" in found else None
                names = (champion.version, stage, predictor, *card["split"]["test"])
                rows.append((*names, found["mae"], found["rmse"], -found["bias"], found["r2"], inside))
    return _table(rows, _TEST_NAMES, _TEST_NUMBERS)


def _table(rows: list[tuple[Any, ...]], names: tuple[str, ...], numbers: tuple[str, ...]) -> pa.Table:
    """A table of text columns, then numeric columns."""
    schema = pa.schema([(name, pa.string()) for name in names] + [(name, pa.float64()) for name in numbers])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)

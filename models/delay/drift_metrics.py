"""Drift metrics by day: how far each day's flights differ from the training, and how large the champion's errors are.

Features are compared for all flights of a day, whichever version predicted them, so that a new champion has a history.
Errors are those of the champion's own predictions. Days that a version was trained on are treated like any other: its
errors on them are optimistic, and the card's ``split`` (in SQL: ``flight_dw.model_versions``) names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pandas as pd

from events.flight import EventType
from models.card import Card
from models.delay import features
from models.delay.drift_reference import ERRORS, LARGEST_OF_A_DAY
from models.stability_index import stability_index

FEATURE, ERROR = "feature", "error"
MEAN_ERROR, IN_INTERVAL, ERROR_DISTRIBUTION = "mean_absolute_error_minutes", "in_interval_pct", "error_distribution"

MIN_FLIGHTS = 100
SHIFT = 0.25
"""The stability index above which a feature has shifted."""
MAX_ERROR_RATIO = 1.5
"""How many times the mean error on the test days the mean error of a day may be."""
_IMPORTANT = 10

BOUNDS = ("predicted_delay_lower_minutes", "predicted_delay_upper_minutes")
ERROR_COLUMNS = {stage: f"error_{stage}_minutes" for stage in features.STAGES.values()}
STORED_COLUMNS = (*features.EVENT_COLUMNS, *BOUNDS, *ERROR_COLUMNS.values(), "model_version")
EVENT_COLUMNS = (*STORED_COLUMNS, *features.WEATHER)
"""What ``metrics`` needs of each event."""

# Noon UTC of the day after: by then nearly all flights have landed, wherever they departed.
_COMPLETE_AFTER = timedelta(hours=36)


@dataclass(frozen=True)
class DriftMetric:
    """One metric of a day: a row of ``flight_dw.model_drift``."""

    flight_date: date
    stage: str
    measure: str
    name: str
    value: float
    reference: float | None
    flights: int

    def document(self) -> dict[str, Any]:
        """The metric in JSON's types."""
        return asdict(self) | {"flight_date": self.flight_date.isoformat()}


def metrics(
    events: pd.DataFrame, card: Card, reference: dict[str, Any], first: date, known_from: datetime
) -> list[DriftMetric]:
    """The metrics of each local date from ``first`` on, by date.

    ``events`` (``EVENT_COLUMNS``) are all events from ``features.LOOKBACK`` before ``first`` on, or from ``known_from``
    if the hot tier begins later. A date is left out if the hot tier lacks a part of what its features look back on. A
    stage with fewer than ``MIN_FLIGHTS`` flights has no metrics that day.
    """
    # The id of a flight begins with its local day.
    dated = events.assign(day=pd.to_datetime(events["flight_id"].str[:10]))
    recent = dated[dated["day"] >= pd.Timestamp(first)]
    targets = recent[features.is_predicted_on(recent)]
    begins = targets.groupby("day")["event_time"].min() - features.LOOKBACK
    known_days = begins.index[begins >= pd.Timestamp(known_from)]
    targets, recent = (rows[rows["day"].isin(known_days)] for rows in (targets, recent))
    if targets.empty:
        return []
    frame = features.build(targets, events)
    arrived = recent[recent["event_type"] == str(EventType.ARRIVED)]
    found: list[DriftMetric] = []
    for event_type, stage in features.STAGES.items():
        predicted = targets[targets["event_type"] == event_type]
        bins = reference[stage]
        found += _feature_metrics(frame, predicted, stage, card["stages"][stage]["features"], bins)
        own = predicted[predicted["model_version"] == card["version"]]
        outcomes = arrived.drop(columns=list(BOUNDS)).merge(own[["flight_id", *BOUNDS]], on="flight_id", how="inner")
        found += _error_metrics(outcomes, stage, card["metrics"][stage], bins[ERRORS])
    return sorted(found, key=lambda metric: metric.flight_date)


def is_complete(day: date, clock: datetime) -> bool:
    """Whether nearly all flights of a local date have landed: at noon UTC of the day after."""
    return clock >= datetime.combine(day, time(), UTC) + _COMPLETE_AFTER


def warnings(found: list[DriftMetric], card: Card, clock: datetime) -> dict[str, str]:
    """The warnings of the newest complete day of ``metrics``: a message by ``<stage>:<name>``.

    A feature warns if it is one of the ten most important ones of a stage and its index is above ``SHIFT`` and above
    that of any training day. Features of the calendar never warn: they shift by nature. The mean error warns if it is
    above ``MAX_ERROR_RATIO`` times that on the test days.
    """
    complete = [metric for metric in found if is_complete(metric.flight_date, clock)]
    of_newest = [metric for metric in complete if metric.flight_date == complete[-1].flight_date]
    return {f"{metric.stage}:{metric.name}": why for metric in of_newest if (why := _warning(metric, card))}


def _days(rows: pd.DataFrame) -> Iterator[tuple[date, pd.DataFrame]]:
    """The rows of each day that has enough of them."""
    for day, group in rows.groupby("day"):
        if len(group) >= MIN_FLIGHTS:
            yield pd.Timestamp(str(day)).date(), group


def _feature_metrics(
    frame: pd.DataFrame, predicted: pd.DataFrame, stage: str, names: list[str], bins: dict[str, Any]
) -> Iterator[DriftMetric]:
    """The stability index of each feature and day, beside the largest index of a training day."""
    for day, rows in _days(predicted):
        for name in names:
            index = stability_index(frame.loc[rows.index, name], bins[name])
            yield DriftMetric(day, stage, FEATURE, name, index, bins[name][LARGEST_OF_A_DAY], len(rows))


def _error_metrics(
    outcomes: pd.DataFrame, stage: str, test: dict[str, Any], bins: dict[str, Any]
) -> Iterator[DriftMetric]:
    """The errors of each day beside those on the test days. ``outcomes`` are arrivals with the predicted interval."""
    for day, rows in _days(outcomes[outcomes[ERROR_COLUMNS[stage]].notna()]):
        errors = rows[ERROR_COLUMNS[stage]]
        is_inside = rows["arrival_delay_minutes"].between(rows[BOUNDS[0]], rows[BOUNDS[1]])
        values = {
            MEAN_ERROR: (float(errors.abs().mean()), test["mae"]),
            IN_INTERVAL: (100 * float(is_inside.mean()), 100 * test["coverage"]),
            ERROR_DISTRIBUTION: (stability_index(errors, bins), None),
        }
        for name, (value, reference) in values.items():
            yield DriftMetric(day, stage, ERROR, name, value, reference, len(rows))


def _warning(metric: DriftMetric, card: Card) -> str | None:
    importance: dict[str, float] = card["stages"][metric.stage]["importance"]
    important = sorted(importance, key=lambda name: -importance[name])[:_IMPORTANT]
    reference, where = metric.reference or 0.0, f"{metric.stage} on {metric.flight_date}"
    limit = max(SHIFT, reference)
    if metric.name in important and metric.name not in features.CALENDAR and metric.value > limit:
        what = f"{metric.name} has shifted from the training of {card['version']}: its stability index is"
        return f"{where}: {what} {metric.value:.2f}, above {limit:.2f}. See 'skytier models drift'."
    if metric.name == MEAN_ERROR and metric.value > MAX_ERROR_RATIO * reference:
        what = f"the mean absolute error of {card['version']} is {metric.value:.1f} min, more than {MAX_ERROR_RATIO}"
        return f"{where}: {what} times the {reference:.1f} min of its test days. See 'skytier models drift'."
    return None

"""Drift by day: how far each day's flights are from what the champion was trained on, and how far it erred on them.

Features are compared for all flights of a day, whichever version predicted on them, so that a new champion has a past;
errors are those of the champion's own predictions. Days that a version was trained on are treated like any other: its
errors there flatter it, and the card's ``split`` (in SQL: ``flight_dw.model_versions``) says which they are.

A day is left out while the hot tier lacks a part of what its features look back on: at the warehouse's beginning, and
when its oldest events have been archived. What was stored of it when they were there stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pandas as pd
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from events.flight import EventType
from models import drift, features
from models.card import Card
from models.registry import Registry
from skytier import alerts, hot_tier
from skytier.alerts import Condition, Severity
from skytier.errors import TerminalError, TransientError
from skytier.files import Files
from skytier.settings.base import home
from skytier.sql import Connection
from skytier.warehouse import literal

FEATURE, ERROR = "feature", "error"
MEAN_ERROR, IN_INTERVAL, ERROR_DISTRIBUTION = "mean_absolute_error_minutes", "in_interval_pct", "error_distribution"

FEWEST_FLIGHTS = 100
SHIFT = 0.25  # the stability index above which a feature has shifted
WORST_RATIO = 1.5  # how many times the mean error on the test days a day's may be
_IMPORTANT = 10

_TIMES = ("event_time", "scheduled_departure", "scheduled_arrival")
_BOUNDS = ("predicted_delay_lower_minutes", "predicted_delay_upper_minutes")
_ERRORS = {stage: f"error_{stage}_minutes" for stage in features.STAGES.values()}
_STORED = (*features.EVENT_COLUMNS, *_BOUNDS, *_ERRORS.values(), "model_version")
EVENT_COLUMNS = (*_STORED, *features.WEATHER)
"""What ``figures`` needs of each event."""

# A local day begins 14 h before UTC's at the earliest, and its first events are two hours older.
_EARLIEST = timedelta(hours=16)
# Noon UTC of the day after: by then nearly all have landed, wherever they left.
_OVER = timedelta(hours=36)
_ROWS_AT_ONCE = 20_000

_REPLACE = """
MERGE INTO flight_dw.model_drift AS t
USING (SELECT *, {version} AS model_version, {now} AS computed_at FROM (SELECT inline(from_json({rows},
  'array<struct<flight_date: date, stage: string, measure: string, name: string, value: double, reference: double,
    flights: bigint>>')))) AS s
ON t.model_version = s.model_version AND t.flight_date = s.flight_date AND t.stage = s.stage AND t.name = s.name
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *
WHEN NOT MATCHED BY SOURCE AND t.model_version = {version} AND t.flight_date IN ({days}) THEN DELETE
"""


@dataclass(frozen=True)
class Figure:
    """One value of a day, as a row of ``flight_dw.model_drift`` holds it."""

    flight_date: date
    stage: str
    measure: str
    name: str
    value: float
    reference: float | None
    flights: int

    def document(self) -> dict[str, Any]:
        """The figure in JSON's types."""
        return asdict(self) | {"flight_date": self.flight_date.isoformat()}


@dataclass(frozen=True)
class Report:
    """The champion's figures, what of them is a warning (by the alert's subject), and the warehouse's clock."""

    version: str
    clock: datetime | None
    figures: list[Figure]
    warnings: dict[str, str]


def monitor(days: int) -> Report:
    """Compute and store the figures of the champion for the last local dates of the warehouse's clock, and alert.

    ``days`` are those before the clock's own date (UTC), which is looked at as well. Run again, it replaces the days
    that it computes. Raises TerminalError when there is no champion, or the features it needs are not made any more;
    TransientError when a server does not answer.
    """
    card, reference = _champion()
    with hot_tier.client() as connection:
        clock = hot_tier.clock(connection)
        if clock is None:
            return Report(card["version"], None, [], {})
        first = clock.date() - timedelta(days=days)
        found = figures(_events(connection, first), card, reference, first, _oldest(connection))
        store(card["version"], found)
        warned = warnings(found, card, clock)
        conditions = {subject: Condition(Severity.WARNING, message) for subject, message in warned.items()}
        alerts.settle(connection, "drift", conditions)
    return Report(card["version"], clock, found, warned)


def figures(
    events: pd.DataFrame, card: Card, reference: dict[str, Any], first: date, known_from: datetime
) -> list[Figure]:
    """The figures of each local date from ``first`` on, by date.

    ``events`` (``EVENT_COLUMNS``) are all from ``features.LOOKBACK`` before ``first`` on, or from ``known_from`` where
    the hot tier begins later. A stage with less than ``FEWEST_FLIGHTS`` has no figures that day.
    """
    # The id of a flight begins with its local day.
    dated = events.assign(day=pd.to_datetime(events["flight_id"].str[:10]))
    recent = dated[dated["day"] >= pd.Timestamp(first)]
    targets = recent[features.is_predicted_on(recent)]
    begins = targets.groupby("day")["event_time"].min() - features.LOOKBACK
    whole = begins.index[begins >= pd.Timestamp(known_from)]
    targets, recent = (rows[rows["day"].isin(whole)] for rows in (targets, recent))
    if targets.empty:
        return []
    frame = features.build(targets, events)
    arrived = recent[recent["event_type"] == str(EventType.ARRIVED)]
    found: list[Figure] = []
    for event_type, stage in features.STAGES.items():
        made = targets[targets["event_type"] == event_type]
        names, bins = card["stages"][stage]["features"], reference[stage]
        for day, rows in _days(made):
            for name in names:
                index = drift.stability_index(frame.loc[rows.index, name], bins[name])
                usual = bins[name][drift.LARGEST_OF_A_DAY]
                found.append(Figure(day, stage, FEATURE, name, index, usual, len(rows)))
        own = made[made["model_version"] == card["version"]]
        outcomes = arrived.drop(columns=list(_BOUNDS)).merge(own[["flight_id", *_BOUNDS]], on="flight_id", how="inner")
        found += _errors(outcomes, stage, card["metrics"][stage], bins[drift.ERRORS])
    return sorted(found, key=lambda figure: figure.flight_date)


def is_complete(day: date, clock: datetime) -> bool:
    """Whether nearly all flights of a local date have landed: at noon UTC of the day after."""
    return clock >= datetime.combine(day, time(), UTC) + _OVER


def warnings(found: list[Figure], card: Card, clock: datetime) -> dict[str, str]:
    """What operators must know of the newest complete day of ``figures``: by ``<stage>:<name>``, a sentence each.

    That is a shift of one of the ten most important features of a stage (above ``SHIFT``, and above that of any day of
    the training where the version knows it), except those of the calendar, which shift by nature; and a mean error
    above ``WORST_RATIO`` times that on the test days.
    """
    complete = [figure for figure in found if is_complete(figure.flight_date, clock)]
    of_newest = [figure for figure in complete if figure.flight_date == complete[-1].flight_date]
    return {f"{figure.stage}:{figure.name}": why for figure in of_newest if (why := _objection(figure, card))}


def store(version: str, found: list[Figure]) -> None:
    """Replace what the warehouse holds of this version and these days, in one commit: no reader sees a day twice.

    Raises SqlError when the SQL endpoint refuses it, TransientError when it does not answer.
    """
    if not found:
        return
    days = ", ".join(f"DATE '{day}'" for day in sorted({figure.flight_date for figure in found}))
    rows = json.dumps([figure.document() for figure in found], allow_nan=False)
    values = {"version": version, "now": datetime.now(UTC), "rows": rows}
    with Connection() as connection:
        connection.query(_REPLACE.format(days=days, **{name: literal(value) for name, value in values.items()}))


def _days(rows: pd.DataFrame) -> Iterator[tuple[date, pd.DataFrame]]:
    """The rows of each day that has enough of them."""
    for day, group in rows.groupby("day"):
        if len(group) >= FEWEST_FLIGHTS:
            yield pd.Timestamp(str(day)).date(), group


def _errors(outcomes: pd.DataFrame, stage: str, test: dict[str, Any], bins: dict[str, Any]) -> list[Figure]:
    """The errors of each day beside those on the test days. ``outcomes`` are arrivals with the interval predicted."""
    found: list[Figure] = []
    for day, rows in _days(outcomes[outcomes[_ERRORS[stage]].notna()]):
        errors = rows[_ERRORS[stage]]
        is_inside = rows["arrival_delay_minutes"].between(rows[_BOUNDS[0]], rows[_BOUNDS[1]])
        values = {
            MEAN_ERROR: (float(errors.abs().mean()), test["mae"]),
            IN_INTERVAL: (100 * float(is_inside.mean()), 100 * test["coverage"]),
            ERROR_DISTRIBUTION: (drift.stability_index(errors, bins), None),
        }
        found += [Figure(day, stage, ERROR, name, *pair, len(rows)) for name, pair in values.items()]
    return found


def _objection(figure: Figure, card: Card) -> str | None:
    importance: dict[str, float] = card["stages"][figure.stage]["importance"]
    important = sorted(importance, key=lambda name: -importance[name])[:_IMPORTANT]
    reference, where = figure.reference or 0.0, f"{figure.stage} on {figure.flight_date}"
    usual = max(SHIFT, reference)
    if figure.name in important and figure.name not in features.CALENDAR and figure.value > usual:
        what = f"{figure.name} is not what {card['version']} was trained on: its stability index is"
        return f"{where}: {what} {figure.value:.2f}, above {usual:.2f}. See 'skytier models drift'."
    if figure.name == MEAN_ERROR and figure.value > WORST_RATIO * reference:
        what = f"{card['version']} was off by {figure.value:.1f} min on average, more than {WORST_RATIO} times"
        return f"{where}: {what} the {reference:.1f} min of its test days. See 'skytier models drift'."
    return None


def _champion() -> tuple[Card, dict[str, Any]]:
    """The champion's card and what its features were like in training."""
    registry = Registry(Files())
    champion = registry.champion()
    if champion is None:
        raise TerminalError("There is no champion to look at: run 'skytier train'.")
    card, folder = registry.card(champion.version), registry.fetch(champion.version, home() / "models")
    if unknown := {name for part in card["stages"].values() for name in part["features"]} - set(features.FEATURES):
        names = ", ".join(sorted(unknown))
        raise TerminalError(f"The champion {card['version']} needs {names}, not made any more: run 'skytier train'.")
    return card, json.loads((folder / drift.REFERENCE).read_text(encoding="utf-8"))


def _oldest(connection: MongoClient[hot_tier.Document]) -> datetime:
    oldest = hot_tier.events(connection).find_one({}, {"event_time": 1}, sort=[("event_time", 1)])
    return oldest["event_time"].astimezone(UTC) if oldest else datetime.now(UTC)


def _events(connection: MongoClient[hot_tier.Document], first: date) -> pd.DataFrame:
    """The hot tier's events of the days from ``first`` on, and of the time their features look back on."""
    start = datetime.combine(first, time(), UTC) - _EARLIEST - features.LOOKBACK.to_pytimedelta()
    wanted = dict.fromkeys((*_STORED, "weather"), 1) | {"_id": 0}
    try:
        found = hot_tier.events(connection).find({"event_time": {"$gte": start}}, wanted, batch_size=_ROWS_AT_ONCE)
        rows = [row | {f"weather_{key}": value for key, value in (row.get("weather") or {}).items()} for row in found]
    except PyMongoError as error:
        raise TransientError(f"MongoDB does not answer: {error}. See 'skytier stack status'.") from error
    frame = pd.DataFrame(rows, columns=list(EVENT_COLUMNS))
    numbers = dict.fromkeys(("arrival_delay_minutes", *_BOUNDS, *_ERRORS.values()), float)
    times = {name: pd.to_datetime(frame[name], utc=True) for name in _TIMES}
    return frame.astype(numbers).assign(**times)

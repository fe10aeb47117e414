"""The drift monitor: compute the champion's drift metrics from the hot tier, store them in the cold tier, and alert.

The metrics of a date are stored once its features are known. When the date's oldest events have been archived, its
stored metrics stay as they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pymongo import MongoClient

from models.card import Card
from models.delay import features
from models.delay.drift_metrics import BOUNDS, ERROR_COLUMNS, EVENT_COLUMNS, STORED_COLUMNS, DriftMetric
from models.delay.drift_metrics import metrics as drift_metrics
from models.delay.drift_metrics import warnings as drift_warnings
from models.delay.drift_reference import REFERENCE
from models.registry import Registry
from skytier import alerts, hot_tier
from skytier.alerts import Condition, Severity
from skytier.errors import TerminalError
from skytier.settings.alerts import AlertSettings
from skytier.sql import Connection
from skytier.warehouse import literal

_TIMES = ("event_time", "scheduled_departure", "scheduled_arrival")
# A local day begins 14 h before UTC's at the earliest, and its first events are two hours older.
_EARLIEST = timedelta(hours=16)
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
class Report:
    """The champion's drift metrics, the warnings (by the alert's subject), and the warehouse's clock."""

    version: str
    clock: datetime | None
    metrics: list[DriftMetric]
    warnings: dict[str, str]


def monitor(registry: Registry, cache: Path, settings: AlertSettings, days: int) -> Report:
    """Compute and store the champion's metrics for the last local dates of the warehouse's clock, and alert.

    ``days`` counts the dates before that of the clock (UTC), which is computed as well. A repeated run replaces the
    dates that it computes. ``cache`` is the local folder of fetched versions, ``settings`` those of the webhook.

    Raises TerminalError if there is no champion or the code no longer computes one of its features, TransientError if a
    server does not answer.
    """
    card, reference = _champion(registry, cache)
    with hot_tier.client() as connection:
        clock = hot_tier.clock(connection)
        if clock is None:
            return Report(card["version"], None, [], {})
        first = clock.date() - timedelta(days=days)
        with hot_tier.answering():
            events, known_from = _events(connection, first), _oldest(connection)
        found = drift_metrics(events, card, reference, first, known_from)
        store(card["version"], found)
        warned = drift_warnings(found, card, clock)
        conditions = {subject: Condition(Severity.WARNING, message) for subject, message in warned.items()}
        alerts.settle(connection, "drift", conditions, settings)
    return Report(card["version"], clock, found, warned)


def store(version: str, found: list[DriftMetric]) -> None:
    """Replace the stored metrics of this version and these dates in one commit: no reader sees a date twice.

    Raises SqlError if the SQL endpoint refuses the statement, TransientError if it does not answer.
    """
    if not found:
        return
    days = ", ".join(f"DATE '{day}'" for day in sorted({metric.flight_date for metric in found}))
    rows = json.dumps([metric.document() for metric in found], allow_nan=False)
    values = {"version": version, "now": datetime.now(UTC), "rows": rows}
    with Connection() as connection:
        connection.query(_REPLACE.format(days=days, **{name: literal(value) for name, value in values.items()}))


def _champion(registry: Registry, cache: Path) -> tuple[Card, dict[str, Any]]:
    """The champion's card and the reference of its drift."""
    champion = registry.champion()
    if champion is None:
        raise TerminalError("The delay model has no champion: run 'skytier train'.")
    card, folder = registry.card(champion.version), registry.fetch(champion.version, cache)
    if unknown := {name for stage in card["stages"].values() for name in stage["features"]} - set(features.FEATURES):
        names = ", ".join(sorted(unknown))
        raise TerminalError(
            f"The champion {card['version']} needs the features {names}, which this code does not compute: "
            "run 'skytier train'."
        )
    return card, json.loads((folder / REFERENCE).read_text(encoding="utf-8"))


def _oldest(connection: MongoClient[hot_tier.Document]) -> datetime:
    oldest = hot_tier.events(connection).find_one({}, {"event_time": 1}, sort=[("event_time", 1)])
    return oldest["event_time"].astimezone(UTC) if oldest else datetime.now(UTC)


def _events(connection: MongoClient[hot_tier.Document], first: date) -> pd.DataFrame:
    """The hot tier's events of the dates from ``first`` on, and of the time that their features look back on."""
    start = datetime.combine(first, time(), UTC) - _EARLIEST - features.LOOKBACK.to_pytimedelta()
    wanted = dict.fromkeys((*STORED_COLUMNS, "weather"), 1) | {"_id": 0}
    found = hot_tier.events(connection).find({"event_time": {"$gte": start}}, wanted, batch_size=_ROWS_AT_ONCE)
    rows = [row | {f"weather_{key}": value for key, value in (row.get("weather") or {}).items()} for row in found]
    frame = pd.DataFrame(rows, columns=list(EVENT_COLUMNS))
    numbers = dict.fromkeys(("arrival_delay_minutes", *BOUNDS, *ERROR_COLUMNS.values()), float)
    times = {name: pd.to_datetime(frame[name], utc=True) for name in _TIMES}
    return frame.astype(numbers).assign(**times)

"""Delay predictions in Spark's workers: the batch's events, the state of the world from the hot tier, the model.

A prediction's features rest on all events of the batch and of the day before it, so one worker takes the whole batch,
which is bounded. What the other batches stored is read from the hot tier in one query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import functions as F

from models.delay import REGISTRY_ROOT, delay_model, features, scoring
from models.registry import Registry
from skytier import alerts, hot_tier
from skytier.errors import SkytierError
from skytier.files import Files
from skytier.settings.base import home
from spark_jobs.flights import outputs

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pyspark.sql import DataFrame

_TIMES = ("event_time", "scheduled_departure", "scheduled_arrival")
_ROWS_AT_ONCE = 20_000

SCHEMA = ", ".join(f"{name} {kind}" for name, kind in {"event_id": "string", **outputs.SCORES}.items())
"""What the worker answers, as Spark's DDL."""


def predict(events: DataFrame, model_version: str, batch_id: int) -> DataFrame:
    """``outputs.SCORES`` by ``event_id`` of the batch's events; none where the model cannot be loaded, which alerts.

    ``events`` are valid, enriched events, each once.
    """
    weather = [F.col(name.replace("_", ".", 1)).alias(name) for name in features.WEATHER]
    needed = events.select(*features.EVENT_COLUMNS, *weather)
    return needed.coalesce(1).mapInPandas(_scorer(model_version, batch_id), SCHEMA)


def _scorer(version: str, batch_id: int) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def score(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        frames = [part for part in parts if len(part)]
        if not frames:
            return
        batch = _aware(pd.concat(frames, ignore_index=True))
        with hot_tier.client() as connection:
            try:
                model = _model(version)
            except SkytierError as error:
                why = f"Events stay unscored: {error}"
                alerts.alert(connection, "model", alerts.Severity.CRITICAL, version, why, until_resolved=True)
                return
            alerts.resolve(connection, "model", version, "champion")
            scores = scoring.score(
                model,
                batch,
                _earlier_events(connection, batch, batch_id),
                _predictions(connection, scoring.arrived_without_prediction(batch)),
            )
        yield spark_typed(scores)

    return score


def spark_typed(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores with the column types that Spark converts: text as objects, numbers as floats.

    A column of which the batch has no value is one of floats, whatever it is meant for, and Spark's conversion of
    floats to text fails.
    """
    return scores.astype({name: object if kind == "string" else float for name, kind in outputs.SCORES.items()})


@cache
def _model(version: str) -> delay_model.DelayModel:
    """The model, loaded once a worker."""
    return delay_model.load(Registry(Files(), REGISTRY_ROOT).fetch(version, home() / "models"))


def _aware(frame: pd.DataFrame) -> pd.DataFrame:
    """Spark hands times over as naive UTC."""
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in _TIMES})


def _earlier_events(connection: MongoClient[hot_tier.Document], batch: pd.DataFrame, batch_id: int) -> pd.DataFrame:
    """What other batches stored of the time that the features of this one look at."""
    moments = batch.loc[features.is_predicted_on(batch), "event_time"]
    if moments.empty:
        return _frame([], features.EVENT_COLUMNS)
    span = {"$gte": (moments.min() - features.LOOKBACK).to_pydatetime(), "$lt": moments.max().to_pydatetime()}
    found = hot_tier.events(connection).find(
        {"event_time": span, "batch_id": {"$ne": batch_id}},
        dict.fromkeys(features.EVENT_COLUMNS, 1) | {"_id": 0},
        batch_size=_ROWS_AT_ONCE,
    )
    return _aware(_frame(found, features.EVENT_COLUMNS))


def _predictions(connection: MongoClient[hot_tier.Document], event_ids: Sequence[str]) -> pd.DataFrame:
    """The predictions that were stored with these events, by event_id."""
    columns = delay_model.PREDICTION_COLUMNS
    parts: list[hot_tier.Document] = []
    for start in range(0, len(event_ids), _ROWS_AT_ONCE):
        chosen = {"_id": {"$in": list(event_ids[start : start + _ROWS_AT_ONCE])}, columns[0]: {"$exists": True}}
        parts += hot_tier.events(connection).find(chosen, dict.fromkeys(columns, 1))
    frame = _frame(parts, ("_id", *columns)).set_index("_id")
    return frame.astype(dict.fromkeys(columns[:4], float))


def _frame(documents: Iterable[hot_tier.Document], columns: Sequence[str]) -> pd.DataFrame:
    """Documents as columns; what a document has not is missing."""
    rows: list[tuple[Any, ...]] = [tuple(document.get(name) for name in columns) for document in documents]
    return pd.DataFrame(rows, columns=list(columns))

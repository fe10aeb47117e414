"""Scoring of a batch of events: predictions on scheduled and departed events, errors on arrived ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from events.flight import EventType
from models.delay import features
from models.delay.delay_model import PREDICTION_COLUMNS, DelayModel

OUTCOME_COLUMNS = (
    "prediction_error_minutes",
    "predicted_before_departure_minutes",
    "error_before_departure_minutes",
    "lower_before_departure_minutes",
    "upper_before_departure_minutes",
    "confidence_before_departure",
    "model_version_before_departure",
    "predicted_after_departure_minutes",
    "error_after_departure_minutes",
)
SCORE_COLUMNS = ("event_id", *PREDICTION_COLUMNS, *OUTCOME_COLUMNS)

EVENT_COLUMNS = (*features.EVENT_COLUMNS, *features.WEATHER)
"""The columns of a batch to score; ``earlier`` events have ``features.EVENT_COLUMNS``."""

_STAGE_EVENTS = {stage: event_type for event_type, stage in features.STAGES.items()}
_LATEST_FIRST = (features.AFTER, features.BEFORE)
# The latest prediction has the plain column names on an arrived event; the rest of the earlier one has these names.
_ALSO_BEFORE = {
    "lower_before_departure_minutes": "predicted_delay_lower_minutes",
    "upper_before_departure_minutes": "predicted_delay_upper_minutes",
    "confidence_before_departure": "prediction_confidence",
    "model_version_before_departure": "model_version",
}


def score(model: DelayModel, batch: pd.DataFrame, earlier: pd.DataFrame, predicted: pd.DataFrame) -> pd.DataFrame:
    """``SCORE_COLUMNS`` for every event of the batch that is predicted on or is an arrival.

    ``batch`` are the batch's events (``EVENT_COLUMNS``), ``earlier`` those of other batches that features may use.
    ``predicted`` has the stored predictions (``PREDICTION_COLUMNS``) of the flights that arrive in this batch, indexed
    by event_id. An ``arrived`` event repeats the prediction of its flight's latest stage.
    """
    targets = batch[features.is_predicted_on(batch)]
    known = pd.concat([batch[list(features.EVENT_COLUMNS)], earlier], ignore_index=True) if len(earlier) else batch
    made = model.predict(features.build(targets, known), targets["event_type"].map(features.STAGES))
    made = made.set_axis(targets["event_id"].to_numpy())
    made = made[made["predicted_delay_minutes"].notna()]
    both = pd.concat([part for part in (predicted, made) if len(part)]) if len(predicted) else made
    parts = [made.rename_axis("event_id").reset_index(), _outcomes(batch, both[~both.index.duplicated(keep="last")])]
    return pd.concat([part.reindex(columns=list(SCORE_COLUMNS)) for part in parts if len(part)] or [_empty()])


def arrived_without_prediction(batch: pd.DataFrame) -> list[str]:
    """The ids of events of earlier batches that may hold a prediction of a flight that arrives in this batch."""
    there = set(batch["event_id"])
    arrived = batch.loc[batch["event_type"] == str(EventType.ARRIVED), "flight_id"]
    wanted = [f"{flight}:{event_type}" for flight in arrived for event_type in features.STAGES]
    return [event_id for event_id in wanted if event_id not in there]


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=list(SCORE_COLUMNS))


def _outcomes(batch: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    arrived = batch[batch["event_type"] == str(EventType.ARRIVED)]
    actual = arrived["arrival_delay_minutes"].to_numpy(dtype=float, na_value=np.nan)
    result: dict[str, Any] = {"event_id": arrived["event_id"].to_numpy()}
    by_stage = {
        stage: predictions.reindex((arrived["flight_id"] + f":{_STAGE_EVENTS[stage]}").to_numpy())
        for stage in _LATEST_FIRST
    }
    for stage, found in by_stage.items():
        value = found["predicted_delay_minutes"].to_numpy(dtype=float)
        result[f"predicted_{stage}_minutes"] = value
        result[f"error_{stage}_minutes"] = np.round(actual - value, 2)
    latest, before = (by_stage[stage].reset_index(drop=True) for stage in _LATEST_FIRST)
    result |= {name: before[column].to_numpy() for name, column in _ALSO_BEFORE.items()}
    latest = latest.where(latest["predicted_delay_minutes"].notna(), before)
    result |= {name: latest[name].to_numpy() for name in PREDICTION_COLUMNS}
    result["prediction_error_minutes"] = np.round(actual - latest["predicted_delay_minutes"].to_numpy(dtype=float), 2)
    frame = pd.DataFrame(result)
    return frame[frame["predicted_delay_minutes"].notna()]

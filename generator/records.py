"""Encode a frame of events as Kafka records."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import orjson
import pandas as pd

from events.flight import FlightEvent

FIELDS = tuple(FlightEvent.model_fields)
BATCH_SIZE = 10_000


class Record(NamedTuple):
    """A Kafka record, and the fields that reports and the position of a replay use."""

    event_time: int
    """Seconds since 1970 (UTC)."""
    event_id: str
    event_type: str
    key: str
    value: bytes
    kind: str = "valid"
    """valid, late, out_of_order, duplicate, or ``malformed:`` followed by the kind."""


def _json_values(column: pd.Series[Any]) -> list[object]:
    """The column in JSON's types: times as texts in UTC to the second, missing values as None."""
    missing = column.isna().to_numpy()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        moments = column.to_numpy(dtype="datetime64[ns]").astype("datetime64[s]")
        values = np.char.add(np.datetime_as_string(moments), "Z").tolist()
    else:
        values = column.tolist()
    if not missing.any():
        return list(values)
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


def encode(events: pd.DataFrame) -> list[Record]:
    """The events as records, in the order of the frame; fields without a value are omitted.

    The columns have the names of the contract's fields; times are aware, ``weather`` is encoded JSON or None.
    """
    names = [name for name in FIELDS if name in events.columns]
    rows = zip(*(_json_values(events[name]) for name in names), strict=True)
    values = [
        orjson.dumps({name: value for name, value in zip(names, row, strict=True) if value is not None}) for row in rows
    ]
    seconds = events["event_time"].to_numpy(dtype="datetime64[ns]").astype("datetime64[s]").astype(np.int64)
    ids, types, keys = (events[name].tolist() for name in ("event_id", "event_type", "flight_id"))
    return [Record(*row) for row in zip(seconds.tolist(), ids, types, keys, values, strict=True)]

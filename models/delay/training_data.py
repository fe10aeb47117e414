"""Training data: the events of flights, from the package of the real year or from the warehouse."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from generator import flights
from generator.observations import Observations
from generator.observations import read as read_observations
from models.delay import features
from skytier.errors import TerminalError
from skytier.files import Files

EXPORT = "/models/_training_events"
"""The folder on HDFS that the Spark job ``export_training_events`` writes."""


@dataclass(frozen=True)
class History:
    """Events with ``features.EVENT_COLUMNS`` and ``features.WEATHER``, and a description of their source."""

    events: pd.DataFrame
    description: dict[str, Any]


def from_package(first: date = flights.FIRST_DAY, last: date = flights.LAST_DAY) -> History:
    """The real flights of 2013 of these local days, as ``skytier replay`` publishes them."""
    events = flights.lifecycle(flights.read_flights(first, last))
    weather = Observations(read_observations()).values_at(events["origin"], events["event_time"])
    named = weather.add_prefix("weather_")
    return describe(pd.concat([events[list(features.EVENT_COLUMNS)], named[list(features.WEATHER)]], axis=1), "package")


def from_warehouse(files: Files) -> History:
    """The events of the last export of the Spark job ``export_training_events``.

    Raises TerminalError if there are none.
    """
    names = [name for name in files.list(EXPORT) if name.endswith(".parquet")]
    parts = [pq.read_table(io.BytesIO(files.read_bytes(f"{EXPORT}/{name}"))).to_pandas() for name in names]
    events = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if events.empty:
        raise TerminalError(
            "The warehouse holds no events to train on: publish some ('skytier replay') and process them "
            "('skytier process'), or train on the real year with 'skytier train --source package'."
        )
    times = ("event_time", "scheduled_departure", "scheduled_arrival")
    return describe(events.assign(**{name: pd.to_datetime(events[name], utc=True) for name in times}), "warehouse")


def describe(events: pd.DataFrame, source: str) -> History:
    """A history with its date range, its size and a hash of its content, which ignores the order of the rows."""
    days = events["flight_id"].str[:10]
    content = int(np.bitwise_xor.reduce(pd.util.hash_pandas_object(events, index=False).to_numpy()))
    digest = hashlib.sha256(f"{len(events)}:{content}".encode()).hexdigest()
    return History(
        events,
        {"source": source, "from": days.min(), "to": days.max(), "events": len(events), "sha256": digest},
    )

"""The samples of a training: features and outcome of each prediction, and the days to train, tune and test on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from models.delay import features
from models.delay.training_data import History
from skytier import logs
from skytier.errors import TerminalError

# The real year: January to September to train on, October to tune on, November and December to test on.
TRAIN_DAYS, TUNE_DAYS, ALL_DAYS = 273, 31, 365
MIN_DAYS, MIN_FLIGHTS = 60, 100
PARTS = ("train", "tune", "test")

log = logs.logger("train")


class TooFewDaysError(TerminalError):
    """The flights do not span enough days to train and test on."""


@dataclass(frozen=True)
class Split:
    """The first day to train, to tune and to test on, and the last day to test on (local days of departure)."""

    first: date
    tune: date
    test: date
    last: date


def split(first: date, last: date) -> Split:
    """Split the days in order, in the proportions of the real year. Raises TooFewDaysError."""
    days = (last - first).days + 1
    if days < MIN_DAYS:
        raise TooFewDaysError(
            f"{days} days of flights ({first} to {last}) are too few to train and test on: {MIN_DAYS} are needed. "
            "Wait for more, or train on the real year with 'skytier train'."
        )
    tune = first + timedelta(days=round(days * TRAIN_DAYS / ALL_DAYS))
    return Split(first, tune, tune + timedelta(days=max(round(days * TUNE_DAYS / ALL_DAYS), 1)), last)


@dataclass(frozen=True)
class Samples:
    """Features of the flights with a known outcome: one row per prediction.

    ``frame`` has ``features.FEATURES`` and ``stage``, ``day`` (local date of departure), ``actual`` (minutes);
    ``description`` names their source.
    """

    frame: pd.DataFrame
    split: Split
    description: dict[str, Any]

    def of(self, stage: str, part: str) -> pd.DataFrame:
        """The rows of a stage in the part ``train``, ``tune`` or ``test``."""
        start, end = {
            "train": (self.split.first, self.split.tune),
            "tune": (self.split.tune, self.split.test),
            "test": (self.split.test, self.split.last + timedelta(days=1)),
        }[part]
        frame = self.frame
        is_in = (frame["day"] >= pd.Timestamp(start)) & (frame["day"] < pd.Timestamp(end))
        return frame[(frame["stage"] == stage) & is_in]


def samples(history: History) -> Samples:
    """Compute the features of a history and split its days.

    Raises TooFewDaysError if a part has too few days or flights, TerminalError if no flight has a known arrival delay.
    """
    began, events = time.monotonic(), history.events
    targets = events[features.is_predicted_on(events)]
    arrived = events[events["event_type"] == "arrived"].drop_duplicates("flight_id").set_index("flight_id")
    frame = features.build(targets, events)
    frame["stage"] = targets["event_type"].map(features.STAGES)
    # The id of a flight begins with its local day.
    frame["day"] = pd.to_datetime(targets["flight_id"].str[:10])
    frame["actual"] = targets["flight_id"].map(arrived["arrival_delay_minutes"])
    frame = frame[frame["actual"].notna()]
    if frame.empty:
        raise TerminalError("There is no flight with a known arrival delay to train on.")
    log.info("features computed", rows=len(frame), seconds=round(time.monotonic() - began, 1))
    days = split(frame["day"].min().date(), frame["day"].max().date())
    data = Samples(frame, days, history.description | {"rows": len(frame)})
    for stage in features.STAGES.values():
        for part in PARTS:
            if (flights := len(data.of(stage, part))) < MIN_FLIGHTS:
                raise TooFewDaysError(
                    f"There are only {flights} flights with a known arrival delay in the days to {part} on "
                    f"({data.split}): {MIN_FLIGHTS} are needed."
                )
    return data

"""How far a replay got: the last event that Kafka acknowledged, in a small file."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ValidationError

from generator.records import Record
from skytier.errors import TerminalError
from skytier.settings.base import home


class Position(BaseModel):
    """The last acknowledged event of a replay."""

    topic: str
    first_day: date
    last_day: date
    event_time: AwareDatetime
    event_id: str


class PositionFile:
    """The position of the replay of one range of days into one topic, under ``SKYTIER_HOME/replay``."""

    def __init__(self, topic: str, first_day: date, last_day: date) -> None:
        self._topic, self._first_day, self._last_day = topic, first_day, last_day
        self.path: Path = home() / "replay" / f"{topic}_{first_day}_{last_day}.json"

    def read(self) -> Position | None:
        """The saved position, None where there is none. Raises TerminalError for a file that cannot be understood."""
        try:
            return Position.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise TerminalError(
                f"{self.path} does not hold the position of a replay ({error.error_count()} faults): "
                "delete it, or replay without --resume."
            ) from error

    def save(self, last: Record) -> None:
        """Replace the saved position at once and durably, so that a crash leaves the old or the new one."""
        position = Position(
            topic=self._topic,
            first_day=self._first_day,
            last_day=self._last_day,
            event_time=pd.Timestamp(last.event_time, unit="s", tz="UTC").to_pydatetime(),
            event_id=last.event_id,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(f".{os.getpid()}.new")
        with aside.open("w", encoding="utf-8") as file:
            file.write(position.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path)

    def forget(self) -> None:
        """Remove the saved position: the replay begins anew."""
        self.path.unlink(missing_ok=True)

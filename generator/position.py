"""The position of a replay: the last event that Kafka acknowledged, in a small file."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ValidationError

from generator.records import Record
from skytier.errors import TerminalError


class Position(BaseModel):
    """The last acknowledged event of a replay."""

    topic: str
    first_day: date
    last_day: date
    event_time: AwareDatetime
    event_id: str


class PositionFile:
    """The position of the replay of a range of days into a topic, in a file of ``folder``."""

    def __init__(self, folder: Path, topic: str, first_day: date, last_day: date) -> None:
        self._topic, self._first_day, self._last_day = topic, first_day, last_day
        self.path: Path = folder / f"{topic}_{first_day}_{last_day}.json"

    def read(self) -> Position | None:
        """The saved position; None if there is none. Raises TerminalError if the file is invalid."""
        try:
            return Position.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise TerminalError(
                f"{self.path} is not a valid position of a replay ({error.error_count()} errors): "
                "delete it, or replay without --resume."
            ) from error

    def save(self, last: Record) -> None:
        """Replace the saved position atomically and durably: a crash leaves the old or the new one."""
        position = Position(
            topic=self._topic,
            first_day=self._first_day,
            last_day=self._last_day,
            event_time=pd.Timestamp(last.event_time, unit="s", tz="UTC").to_pydatetime(),
            event_id=last.event_id,
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".{os.getpid()}.new")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(position.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def delete(self) -> None:
        """Delete the saved position: the next replay starts from the beginning."""
        self.path.unlink(missing_ok=True)


def positions(folder: Path, topic: str, last_day: date) -> list[Position]:
    """The positions of all replays into a topic that end with this day."""
    found = (
        PositionFile(folder, topic, _first_day(path), last_day) for path in folder.glob(f"{topic}_*_{last_day}.json")
    )
    return [position for file in found if (position := file.read()) is not None]


def _first_day(path: Path) -> date:
    return date.fromisoformat(path.stem.split("_")[-2])

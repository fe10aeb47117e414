"""What the last cleaning of logs left: written by it, shown on the dashboard."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from skytier.settings.base import home


class Cleaned(BaseModel):
    """What a cleaning deleted and what it left. Sizes are in bytes, times UTC."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    older_than: datetime
    files_deleted: int
    bytes_deleted: int
    rows_deleted: int
    """of Airflow's database"""
    files: int
    size_bytes: int
    database_bytes: int | None
    """size of Airflow's database; None where there is none"""


def _file() -> Path:
    return home() / "run" / "logs-cleaned.json"


def note(cleaned: Cleaned) -> None:
    """Keep the result of a cleaning, in one step."""
    _file().parent.mkdir(parents=True, exist_ok=True)
    aside = _file().with_suffix(".new")
    aside.write_text(cleaned.model_dump_json())
    aside.replace(_file())


def last() -> Cleaned | None:
    """The result of the last cleaning; None before the first, or where it cannot be read."""
    try:
        return Cleaned.model_validate_json(_file().read_text())
    except (FileNotFoundError, ValidationError):
        return None

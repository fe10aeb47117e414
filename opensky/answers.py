"""What an answer of the API says: its rows as events, and those that are none with their reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from events import state_rows
from skytier.errors import TransientError
from skytier.times import timestamp_text

_LATEST_SECOND = 253_402_300_799  # the last second that four digits of a year can name
_LONGEST_KEY, _LONGEST_ROW = 64, 10_000  # of a valid row 6 and some 200; Kafka takes no record of a megabyte


@dataclass(frozen=True)
class Invalid:
    """A row that is no valid state vector."""

    row: Any
    reasons: tuple[str, ...]

    @property
    def key(self) -> str | None:
        """Its address as it came, where it has one."""
        first = self.row[0] if isinstance(self.row, list) and self.row else None
        return first if isinstance(first, str) and len(first) <= _LONGEST_KEY else None


@dataclass(frozen=True)
class States:
    """The rows of an answer."""

    time: int
    """what the answer states, in seconds since 1970"""
    valid: list[state_rows.Values] = field(default_factory=list)
    invalid: list[Invalid] = field(default_factory=list)

    def reasons(self) -> Counter[str]:
        """How many rows have each reason."""
        return Counter(reason for one in self.invalid for reason in one.reasons)

    def invalid_record(self, one: Invalid, source: str) -> bytes:
        """A row with its reasons, as it is published."""
        row = orjson.dumps(one.row)
        document = {
            "row": one.row if len(row) <= _LONGEST_ROW else row[:_LONGEST_ROW].decode(errors="replace"),
            "reasons": one.reasons,
            "answer_time": timestamp_text(datetime.fromtimestamp(self.time, UTC)),
            "source": source,
        }
        return orjson.dumps(document)


def read(content: bytes, received: float, source: str) -> States:
    """The states of an answer that arrived at ``received``, in seconds since 1970.

    Raises TransientError where it is no answer, such as one that was cut off.
    """
    time, rows = _rows(content)
    states = States(time)
    for row in rows:
        parsed = state_rows.parse(row, time, received, source)
        if parsed.event is None:
            states.invalid.append(Invalid(row, parsed.reasons))
        else:
            states.valid.append(parsed.event)
    return states


def _rows(content: bytes) -> tuple[int, list[Any]]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise TransientError(f"the answer of {len(content):,} bytes is not JSON ({error}).") from error
    if not isinstance(found, dict) or "states" not in found:
        raise TransientError("the answer is no JSON object with 'time' and 'states'.")
    time, rows = found.get("time"), found["states"]
    if type(time) is not int or not 0 <= time <= _LATEST_SECOND:
        raise TransientError("the answer's 'time' is no time in seconds.")
    if rows is None:  # nobody is there
        return time, []
    if not isinstance(rows, list):
        raise TransientError("the answer's 'states' are no array.")
    return time, rows

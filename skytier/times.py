"""Times of event contracts: which texts are one, and how one is written."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from skytier.number_text import END

FIRST_YEAR, LAST_YEAR = 1970, 2261
"""Years that a time may name: from where the time zone database is complete to where nanoseconds in 64 bits end."""

_YEAR = r"(?:19[7-9][0-9]|2[01][0-9]{2}|22[0-5][0-9]|226[01])"
_AFTER_YEAR = (
    r"-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
)
TIME_PATTERN = rf"^{_YEAR}{_AFTER_YEAR}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]){END}"
"""A time of the contract: years 1970 to 2261 as written, seconds, offset of less than 15 hours."""
ANY_TIME_PATTERN = rf"^[0-9]{{4}}{_AFTER_YEAR}(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]){END}"
"""A time as RFC 3339 writes it, whenever it is."""
Moment = Annotated[AwareDatetime, Field(json_schema_extra={"pattern": TIME_PATTERN})]


def timestamp_text(moment: datetime) -> str:
    """A moment as events carry it: UTC, ISO 8601, to the second, with Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Short lists of names in a column: reasons, flags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

_SEPARATOR = ","


def joined(candidates: Sequence[Column]) -> Column:
    """Those of the names that are not null, as one text; empty when there are none. Names hold no comma.

    Text, because that is compiled, while array functions go through each candidate of each record: and nearly all
    records have none.
    """
    return F.concat_ws(_SEPARATOR, *candidates)


def as_array(text: Column) -> Column:
    """The names of a joined text."""
    return F.when(text != "", F.split(text, _SEPARATOR)).otherwise(F.array().cast("array<string>"))

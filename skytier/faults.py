"""Places where a fault test ends or stops the process, or makes a transform fail at one record."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

VARIABLE = "SKYTIER_FAULT_KILL_AT"
STOP_VARIABLE = "SKYTIER_FAULT_STOP_AT"
RAISE_VARIABLE = "SKYTIER_FAULT_RAISE_AT"


def point(name: str) -> None:
    """Send SIGKILL to this process and the JVM it belongs to when ``SKYTIER_FAULT_KILL_AT`` names this point, and
    SIGSTOP when ``SKYTIER_FAULT_STOP_AT`` does.
    """
    for variable, number in ((VARIABLE, signal.SIGKILL), (STOP_VARIABLE, signal.SIGSTOP)):
        if os.environ.get(variable) == name:
            parent = os.getppid()  # spark-submit's JVM
            if parent > 1:
                os.kill(parent, number)
            os.kill(os.getpid(), number)


def spoil(rows: DataFrame, step: str, column: str) -> DataFrame:
    """The rows as they are; with ``SKYTIER_FAULT_RAISE_AT=<step>=<text>`` whoever reads one whose column has that text
    gets an error."""
    named, _, text = os.environ.get(RAISE_VARIABLE, "").partition("=")
    if named != step:
        return rows
    from pyspark.sql import functions as F

    value = F.col(column)
    fails = F.raise_error("a fault put in by a test")
    return rows.withColumn(column, F.when(value.cast("string").contains(text), fails).otherwise(value))

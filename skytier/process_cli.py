"""``skytier process``: one minute job, outside Airflow."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from skytier import spark

JOB = "process_flight_events"


def process(*, keep_classes: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Take everything new in Kafka through both tiers, then end: what Airflow does every minute.

    Parameters
    ----------
    keep_classes
        Keep an archive of the classes that the job loads, so that later jobs start faster. The first start does this.
    """
    if keep_classes:
        spark.make_class_archive(JOB)
    else:
        spark.submit(JOB)

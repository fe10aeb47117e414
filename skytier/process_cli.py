"""``skytier process``: one minute job, outside Airflow."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from skytier import spark

JOB = "process_flight_events"


def process(*, app_cds: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Process all new records in Kafka into the hot and the cold tier, then end: what Airflow does every minute.

    Parameters
    ----------
    app_cds
        Keep the AppCDS archive of the classes that the job loads, so that later jobs start faster.
    """
    if app_cds:
        spark.make_app_cds_archive(JOB)
    else:
        spark.submit(JOB)

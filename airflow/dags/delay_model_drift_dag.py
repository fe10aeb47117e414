"""
### Drift of the delay model

Every hour: the days that the hot tier holds are compared with what the champion was trained on.

`measure_drift` writes one row a flight date, stage and figure to `flight_dw.model_drift`, for the last 7 days:

| figure | is |
|---|---|
| of each feature | its population stability index: below 0.1 stable, above 0.25 a shift |
| of the errors | mean absolute error and share in the interval, beside those on the champion's test days |

A warning of kind `drift` is raised when one of the ten most important features has shifted more than on any single day
of the training, or when the mean error is above 1.5 times that of the test days. Features of the calendar never raise
one: they shift by nature.

**When it fails.** It can be run again at any time: it replaces the days that it computes, in one commit, and nothing
waits for it. Without a champion it fails until `skytier train` has made one. The log ends with the reason;
`skytier stack status` says whether a server is down. By hand: `skytier models drift`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER

with DAG(
    dag_id="delay_model_drift_dag",
    description="What the champion predicts on against what it was trained on, every hour",
    doc_md=__doc__,
    schedule="47 * * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args=DEFAULT_ARGS,
    tags=["skytier", "hourly"],
) as dag:
    BashOperator(
        task_id="measure_drift",
        bash_command=f"{SKYTIER} models drift",
        execution_timeout=timedelta(minutes=15),
    )

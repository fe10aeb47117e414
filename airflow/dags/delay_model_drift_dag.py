"""
### Drift of the delay model

Every hour: compare the days in the hot tier with the training of the champion.

`measure_drift` writes one row per flight date, stage and metric to `flight_dw.model_drift`, for the last 7 days:

| metric | meaning |
|---|---|
| of each feature | its population stability index: below 0.1 stable, above 0.25 a shift |
| of the errors | mean absolute error and interval coverage, beside those on the champion's test days |

A warning of kind `drift` is raised if one of the ten most important features has shifted more than on any training day,
or if the mean error is above 1.5 times that of the test days. Features of the calendar never raise a warning: they
shift by nature.

**When it fails.** The task is idempotent: it replaces the days that it computes in one commit, and no other task
depends on it. Without a champion it fails until `skytier train` has published one. The log ends with the reason; see
`skytier stack status` for servers that are down. Manually: `skytier models drift`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER

with DAG(
    dag_id="delay_model_drift_dag",
    description="Compare the newest flights with the training of the champion, every hour",
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

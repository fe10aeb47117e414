"""
### Training of the delay model

Every week: a new model from what the warehouse holds, the fact table and nothing else.

`train` exports the events to `/models/_training_events` on HDFS (Spark), builds the features as the minute job does,
trains, publishes the version in `/models/delay/` and `flight_dw.model_versions`, and measures it on the last days,
which it was not trained on. The champion is measured on the same days. Only a better version becomes the champion; the
log says why or why not, and the next minute run predicts with whoever is champion then.

With fewer than 60 days of flights nothing is trained, and the run is green: the model made at the first start stays.

**When it fails.** It can be run again at any time, and the champion stays as it is. The log ends with the reason;
`skytier stack status` says whether a server is down. By hand: `skytier train --source warehouse`; all versions:
`skytier models list`; back to the champion before: `skytier models rollback --reason ...`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER

with DAG(
    dag_id="delay_model_training_dag",
    description="A new delay model from the warehouse, every week",
    doc_md=__doc__,
    schedule="30 3 * * 1",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args=DEFAULT_ARGS,
    tags=["skytier", "weekly"],
) as dag:
    BashOperator(
        task_id="train",
        bash_command=f"{SKYTIER} train --source warehouse --if-enough",
        execution_timeout=timedelta(hours=1),
    )

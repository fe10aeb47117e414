"""
### Training of the delay model

Every week: train a new version from the fact table of the warehouse.

`train` exports the events to `/models/_training_events` on HDFS (Spark), builds the features with the same code as the
minute job, trains a version, publishes it in `/models/delay/` and `flight_dw.model_versions`, and evaluates it on the
last days, which the training does not use. The champion is evaluated on the same days. A version is promoted only if it
is better than the champion; the log gives the reason. The next minute run predicts with the new champion.

With fewer than 60 days of flights nothing is trained and the run succeeds: the champion from the bootstrap stays.

**When it fails.** The task is idempotent, and the champion stays as it is. The log ends with the reason; see
`skytier stack status` for servers that are down. Manually: `skytier train --source warehouse`; list all versions with
`skytier models list`; restore the earlier champion with `skytier models rollback --reason ...`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER

with DAG(
    dag_id="delay_model_training_dag",
    description="Train the delay model from the warehouse, every week",
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

"""
### Flight processing

Every minute: whatever is new in the Kafka topic `flight_events` goes through Spark into both tiers.

| task | does |
|---|---|
| `process_flight_events` | takes all that is new, in batches of bounded size, into every store |
| `reconcile_batches` | counts every new batch again, in every store |

`process_flight_events` is one Spark run (`availableNow`): parse, clean, validate, enrich, score; then write the raw
files, the tables of `flight_dw`, MongoDB, the dead letters and the batch's metadata.

`reconcile_batches` fails when consumed is not stored + duplicates + rejected, when a store holds another number than
the batch says, or when a batch does not begin where the one before it ended.

**When it fails.** Both tasks can be run again at any time: a batch that was cut off is repeated and replaces what it
left. The log of `process_flight_events` ends with the reason; `skytier stack status` says whether a server is down. The
log of `reconcile_batches` names the batch, the store and both numbers; it fails again until the row counts match.
Runs never overlap and are not caught up: the next run takes what is there.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, JOB_PROPERTIES, SKYTIER, spark_job

with DAG(
    dag_id="flight_processing_dag",
    description="Kafka to both tiers, every minute",
    doc_md=__doc__,
    schedule="* * * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args=DEFAULT_ARGS,
    tags=["skytier", "minute"],
) as dag:
    process_flight_events = SparkSubmitOperator(
        task_id="process_flight_events",
        conn_id="spark_default",
        application=spark_job("process_flight_events"),
        properties_file=JOB_PROPERTIES,
        name="process_flight_events",
    )
    reconcile_batches = BashOperator(
        task_id="reconcile_batches",
        bash_command=f"{SKYTIER} reconcile",
        execution_timeout=timedelta(minutes=5),
    )
    process_flight_events >> reconcile_batches

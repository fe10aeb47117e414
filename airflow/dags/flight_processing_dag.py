"""
### Flight processing

Every minute: process the new records of the Kafka topic `flight_events` with Spark and write them to the hot tier
(MongoDB) and the cold tier (Iceberg tables).

| task | does |
|---|---|
| `process_flight_events` | processes all new records, in batches of bounded size, and writes them to every store |
| `reconcile_batches` | counts every new batch again, in every store, and compares the counts |

`process_flight_events` is one Spark run (trigger `availableNow`). It parses, cleans, validates, enriches and scores the
records. Then it writes the raw files, the tables of `flight_dw`, the documents in MongoDB, the dead letters and the
metadata of the batch.

`reconcile_batches` fails if consumed is not stored + duplicates + rejected, if a store has another count than the
batch, or if a batch does not begin at the position at which the previous batch ended.

**When it fails.** Both tasks are idempotent: run them again at any time. An interrupted batch is repeated, and its
repetition replaces what the interrupted attempt wrote. The log of `process_flight_events` ends with the reason;
`skytier stack status` shows whether a server is down. The log of `reconcile_batches` names the batch, the store and
both counts; the task fails until the counts match. Runs never overlap, and missed runs are not caught up: the next run
processes all new records. Manually: `skytier process` and `skytier reconcile`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER, spark_task

with DAG(
    dag_id="flight_processing_dag",
    description="Process the new records in Kafka into the hot and the cold tier, every minute",
    doc_md=__doc__,
    schedule="* * * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args=DEFAULT_ARGS,
    tags=["skytier", "minute"],
) as dag:
    process_flight_events = spark_task("process_flight_events", "process_flight_events")
    reconcile_batches = BashOperator(
        task_id="reconcile_batches",
        bash_command=f"{SKYTIER} reconcile",
        execution_timeout=timedelta(minutes=5),
    )
    process_flight_events >> reconcile_batches

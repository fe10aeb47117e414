"""
### Warehouse maintenance

Every hour: the Iceberg tables of `flight_dw` are looked after, and old logs deleted.

| step, for each table | does |
|---|---|
| compact | makes large, sorted files of the small ones that minutes leave; only those of complete batches |
| rewrite manifests | once a table has ten of them or more |
| expire snapshots | older than `SKYTIER_MAINTENANCE_SNAPSHOT_DAYS`; the newest few (`..._SNAPSHOTS_KEPT`) stay |
| remove orphans | files that no snapshot knows, older than `SKYTIER_MAINTENANCE_ORPHAN_DAYS` |

`clean_logs` deletes the logs of servers and tasks, and Airflow's records of its runs, that are older than
`SKYTIER_MAINTENANCE_LOG_DAYS`. By hand: `skytier stack clean`.

Beside it `check_duplicates` reads the ids of all events and fails, with an alert, when one is stored twice: in the hot
tier and in an archive at once, in two archives, or twice in staging. It reads all of them, which is too much for every
minute.

The minute job goes on meanwhile: every step is one Iceberg commit, tried again when another commit came first.

**When it fails.** It can be run again at any time; nothing waits for it, queries only become slower without it. The log
has one `table maintained` event a table and ends with the reason; `skytier stack status` says whether a server is
down. By hand: `skytier warehouse maintain`; what the tables hold: `skytier warehouse status`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, JOB_PROPERTIES, SKYTIER, spark_job

with DAG(
    dag_id="warehouse_maintenance_dag",
    description="Compaction, snapshot expiry and retention of logs, every hour",
    doc_md=__doc__,
    schedule="17 * * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args=DEFAULT_ARGS,
    tags=["skytier", "hourly"],
) as dag:
    BashOperator(
        task_id="check_duplicates",
        bash_command=f"{SKYTIER} reconcile duplicates",
        execution_timeout=timedelta(minutes=15),
    )
    SparkSubmitOperator(
        task_id="maintain_warehouse",
        conn_id="spark_default",
        application=spark_job("maintain_warehouse"),
        properties_file=JOB_PROPERTIES,
        name="maintain_warehouse",
    )
    BashOperator(task_id="clean_logs", bash_command=f"{SKYTIER} stack clean")

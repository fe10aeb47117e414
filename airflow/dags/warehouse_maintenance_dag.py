"""
### Warehouse maintenance

Every hour: maintain the Iceberg tables of `flight_dw`, look for duplicates, and delete old logs.

| task | does |
|---|---|
| `maintain_warehouse` | compacts files, rewrites manifests, expires snapshots and removes orphan files of each table |
| `check_duplicates` | reads the ids of all events; fails, with an alert, if an event is stored twice |
| `clean_logs` | deletes logs of servers and tasks, and Airflow's records of its runs |

`maintain_warehouse` runs four steps for each table:

| step | does |
|---|---|
| compact | rewrites the small files of the minute runs as large, sorted files; only those of complete batches |
| rewrite manifests | if the table has ten manifests or more |
| expire snapshots | those older than `SKYTIER_MAINTENANCE_SNAPSHOT_DAYS`, except the newest (`..._SNAPSHOTS_KEPT`) |
| remove orphan files | those that no snapshot references, older than `SKYTIER_MAINTENANCE_ORPHAN_DAYS` |

`check_duplicates` finds an event that is in the hot tier and in an archive, in two archives, or twice in staging. It
reads the ids of all events and is therefore not part of the minute DAG.

`clean_logs` deletes what is older than `SKYTIER_MAINTENANCE_LOG_DAYS`. Manually: `skytier stack clean`.

The minute job continues during maintenance: every step is one Iceberg commit, which is retried if another commit came
first.

**When it fails.** The tasks are idempotent: run them again at any time. No other task depends on them; without
maintenance, queries only become slower. The log has one `table maintained` event per table and ends with the reason;
`skytier stack status` shows whether a server is down. Manually: `skytier warehouse maintain`; the state of the tables:
`skytier warehouse status`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER, spark_task

with DAG(
    dag_id="warehouse_maintenance_dag",
    description="Maintain the Iceberg tables, look for duplicates and delete old logs, every hour",
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
    spark_task("maintain_warehouse", "maintain_warehouse")
    BashOperator(task_id="clean_logs", bash_command=f"{SKYTIER} stack clean")

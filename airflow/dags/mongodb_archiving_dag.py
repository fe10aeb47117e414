"""
### Archiving of the hot tier

Every 5 minutes: is the collection of flight events in MongoDB over its limit (`SKYTIER_ARCHIVE_LIMIT_MB`)? If so, its
oldest events move to Parquet files on HDFS.

| task | does |
|---|---|
| `measure` | reads the size of the collection (`$collStats`); raises alerts at 80% and 100% of the limit |
| `is_due` | continues if the size is over the limit, an archive is under way, or restored events are to be deleted |
| `plan` | finds the archive under way, or plans a new one: the oldest events, down to the low-water mark |
| `export` | Spark: writes the complete documents to Parquet, in a staging folder |
| `verify` | Spark: reads the copy back; every document rebuilt from it must equal the one in MongoDB |
| `publish` | moves the files to their final folder and makes them visible to queries, in one commit |
| `grace` | waits until no query that began before the commit can still run |
| `purge` | deletes from MongoDB by the ids in the published files, in batches of bounded size |
| `record` | writes the row of `flight_dw.archive_metadata` |

**When it fails.** Nothing is deleted before the copy is verified and published. Every task is idempotent: a step that
is done does nothing. The next run resumes an interrupted run from the last completed step, so usually there is nothing
to do. If `verify` finds a difference, the archive ends as failed, an alert is raised and nothing is deleted; the next
run plans a new archive. The log ends with the reason; `skytier stack status` shows whether a server is down. By hand:
`skytier archive run`; what there is: `skytier archive status`, `skytier archive list`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import BranchPythonOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.sdk import DAG, BaseOperator
from defaults import DEFAULT_ARGS, SKYTIER, spark_task

ARCHIVE_ID = "{{ ti.xcom_pull(task_ids='plan') }}"
NOTHING_TO_DO, NOT_YET = 99, 75


def next_task(measured: str) -> list[str]:
    """The next task, by the last line that ``measure`` printed."""
    return ["plan"] if measured == "plan" else []


def step(name: str) -> BashOperator:
    """A step of the archive under way that does not need Spark."""
    return BashOperator(task_id=name, bash_command=f"{SKYTIER} archive step {name} {ARCHIVE_ID}")


def spark_step(name: str) -> BaseOperator:
    """A step of the archive under way that runs in Spark."""
    return spark_task(name, "archive_hot_tier", ARCHIVE_ID, name)


with DAG(
    dag_id="mongodb_archiving_dag",
    description="Move the oldest events of MongoDB to Parquet on HDFS, every 5 minutes",
    doc_md=__doc__,
    schedule="*/5 * * * *",
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args=DEFAULT_ARGS,
    tags=["skytier", "archive"],
) as dag:
    measure = BashOperator(task_id="measure", bash_command=f"{SKYTIER} archive step measure")
    is_due = BranchPythonOperator(
        task_id="is_due",
        python_callable=next_task,
        op_args=["{{ ti.xcom_pull(task_ids='measure') }}"],
    )
    plan = BashOperator(task_id="plan", bash_command=f"{SKYTIER} archive step plan", skip_on_exit_code=NOTHING_TO_DO)
    grace = BashSensor(
        task_id="grace",
        bash_command=f"{SKYTIER} archive step wait {ARCHIVE_ID}",
        retry_exit_code=NOT_YET,
        mode="reschedule",  # it occupies no worker slot while it waits
        poke_interval=15,
        timeout=timedelta(hours=1).total_seconds(),
    )
    (
        measure
        >> is_due
        >> plan
        >> spark_step("export")
        >> spark_step("verify")
        >> step("publish")
        >> grace
        >> step("purge")
        >> step("record")
    )

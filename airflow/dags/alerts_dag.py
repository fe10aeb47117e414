"""
### Alerts

Every 5 minutes: check servers, DAGs, lag and quality; raise alerts, and resolve alerts whose cause is gone.

| kind | `check_alerts` raises it while |
|---|---|
| `server` | a server is down in two probes some seconds apart |
| `dag` | the newest run of a DAG that has ended failed |
| `lag` | more records wait in Kafka than `SKYTIER_ALERTS_LAG_RECORDS`, or any wait and no new batch is committed |
| `quality` | the newest batches have a low mean quality score or a high share of rejected records |

Other DAGs raise and resolve the alerts on reconciliation, the size of the hot tier, the delay model and its drift. If a
check cannot run because a server is down, the alerts of its kind stay as they are.

**When it fails.** MongoDB, which stores alerts, does not answer: see `skytier stack status`. The webhook, if one is
set, is notified once. The task is idempotent: run it again at any time. Manually: `skytier alerts check` and
`skytier alerts list`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER

with DAG(
    dag_id="alerts_dag",
    description="Check servers, DAGs, lag and quality against their limits, every 5 minutes",
    doc_md=__doc__,
    schedule="2-59/5 * * * *",  # between the runs of the archiving DAG
    start_date=pendulum.datetime(2024, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=10),
    default_args=DEFAULT_ARGS,
    tags=["skytier"],
) as dag:
    BashOperator(
        task_id="check_alerts",
        bash_command=f"{SKYTIER} alerts check",
        execution_timeout=timedelta(minutes=3),
    )

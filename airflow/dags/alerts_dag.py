"""
### Alerts

Every 5 minutes: is something wrong that operators must see? Then an alert is raised; one whose cause is gone is
resolved.

`check_alerts` looks at what the page Operations shows:

| kind | is raised while |
|---|---|
| `server` | a server is down, twice within some seconds |
| `dag` | the newest run of a DAG that has ended failed |
| `lag` | more records wait in Kafka than `SKYTIER_ALERTS_LAG_RECORDS`, or any while no new batch comes |
| `quality` | the newest batches have a low mean quality score, or a high share of rejected records |

Failed reconciliation, the size of the hot tier, the delay model and its drift raise and resolve their alerts where they
are looked at, in the other DAGs. What cannot be looked at, for a server is down, leaves its alerts as they are.

**When it fails.** MongoDB, which keeps alerts, does not answer: `skytier stack status`. The webhook, where one is set,
is told of that once. It can be run again at any time. By hand: `skytier alerts check`, and `skytier alerts list`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from defaults import DEFAULT_ARGS, SKYTIER

with DAG(
    dag_id="alerts_dag",
    description="Servers, DAGs, lag and quality against their limits, every 5 minutes",
    doc_md=__doc__,
    schedule="2-59/5 * * * *",  # between the runs of the archiving
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

"""Operations & Monitoring."""

import streamlit as st

from dashboard import actions
from dashboard.charts import operations as charts
from dashboard.charts import operations_jobs as job_charts
from dashboard.charts import operations_storage as storage_charts
from dashboard.panels import NUMBERS_HEIGHT, panel, views
from dashboard.queries import operations as queries
from dashboard.queries import operations_jobs as jobs
from dashboard.queries import operations_servers as servers
from dashboard.queries import operations_storage as storage
from dashboard.queries.tiers import Tier
from dashboard.text import operations as text


def now() -> None:
    left, right = st.columns(2)
    with left:
        panel(text.SERVERS, servers.servers, charts.servers, tier=Tier.SERVERS, key="servers")
    with right:
        panel(
            text.ALERTS,
            queries.newest_alerts,
            charts.alerts,
            tier=Tier.METADATA,
            key="alerts",
            controls=actions.acknowledge_alerts,
            empty=text.NO_ALERTS,
        )
        panel(text.LAG, jobs.kafka_lag, job_charts.lag, tier=Tier.SERVERS, key="lag", height=NUMBERS_HEIGHT)
    left, right = st.columns([3, 2])  # twice as many numbers stand on the left
    with left:
        panel(text.MACHINE, queries.machine, charts.machine, tier=Tier.SERVERS, key="machine", height=NUMBERS_HEIGHT)
    with right:
        panel(
            text.CACHE,
            queries.cache_counts,
            charts.cache,
            tier=Tier.SERVERS,
            key="cache",
            height=NUMBERS_HEIGHT,
            empty=text.CACHE_DOWN,
        )


def work() -> None:
    left, right = st.columns(2)
    with left:
        panel(text.RUNS, jobs.dag_runs, job_charts.dags, tier=Tier.SERVERS, key="dags", controls=actions.start_runs)
    with right:
        panel(text.DURATIONS, jobs.dag_runs, job_charts.durations, tier=Tier.SERVERS, key="durations")
    panel(text.JOBS, jobs.spark_jobs, job_charts.jobs, tier=Tier.METADATA, key="jobs")


def data() -> None:
    left, right = st.columns([3, 2])
    with left:
        panel(text.STORAGE, storage.storage, storage_charts.storage, tier=Tier.BOTH, key="storage")
    with right:
        panel(text.TABLES, storage.storage, storage_charts.tables, tier=Tier.COLD, key="tables")
    left, right = st.columns([3, 2])
    with left:
        panel(
            text.TIMELINE,
            storage.archives,
            storage_charts.timeline,
            tier=Tier.METADATA,
            key="timeline",
            empty=text.NO_ARCHIVES,
        )
    with right:
        panel(
            text.AUDIT,
            storage.archive_audit,
            storage_charts.audit,
            tier=Tier.METADATA,
            key="audit",
            empty=text.NO_AUDIT,
        )


panel(text.SCORE, queries.score, charts.score, tier=Tier.SERVERS, key="score", height=NUMBERS_HEIGHT)
views("operations-view", {text.NOW: now, text.WORK: work, text.DATA: data})

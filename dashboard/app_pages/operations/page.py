"""Operations & Monitoring."""

import streamlit as st

from dashboard.app_pages.operations import (
    actions,
    alert_queries,
    alert_text,
    health_charts,
    health_queries,
    job_charts,
    job_queries,
    machine_queries,
    run_charts,
    server_queries,
    storage_charts,
    storage_queries,
    text,
)
from dashboard.panels.drawings import NUMBERS_HEIGHT
from dashboard.panels.panel import panel
from dashboard.panels.rejections import rejections
from dashboard.panels.tiers import Tier
from dashboard.panels.views import views
from skytier.settings.kafka import KafkaSettings

kafka = KafkaSettings()


def now() -> None:
    left, right = st.columns(2)
    with left:
        panel(text.SERVERS, server_queries.servers, health_charts.servers, tier=Tier.SERVERS, key="servers")
    with right:
        panel(
            text.ALERTS,
            alert_queries.newest_alerts,
            health_charts.alerts,
            tier=Tier.METADATA,
            key="alerts",
            controls=actions.open_alerts,
            empty=alert_text.NO_ALERTS,
        )
        panel(
            text.LAG,
            job_queries.kafka_lag,
            job_charts.lag,
            inputs=lambda: (kafka.topic,),
            tier=Tier.SERVERS,
            key="lag",
            height=NUMBERS_HEIGHT,
        )
    left, right = st.columns([3, 2])  # twice as many numbers are on the left
    with left:
        panel(
            text.MACHINE,
            machine_queries.machine,
            health_charts.machine,
            tier=Tier.SERVERS,
            key="machine",
            height=NUMBERS_HEIGHT,
        )
    with right:
        panel(
            text.CACHE,
            machine_queries.cache_counts,
            health_charts.cache,
            tier=Tier.SERVERS,
            key="cache",
            height=NUMBERS_HEIGHT,
            empty=text.CACHE_DOWN,
        )


def work() -> None:
    left, right = st.columns(2)
    with left:
        panel(
            text.RUNS, job_queries.dag_runs, job_charts.dags, tier=Tier.SERVERS, key="dags", controls=actions.start_runs
        )
    with right:
        panel(text.RUN_GRID, job_queries.dag_runs, run_charts.grid, tier=Tier.SERVERS, key="run-grid")
    panel(text.DURATIONS, job_queries.dag_runs, job_charts.durations, tier=Tier.SERVERS, key="durations")
    left, right = st.columns(2)
    with left:
        panel(
            text.LAG_BY_PARTITION,
            job_queries.kafka_lag,
            job_charts.lag_by_partition,
            tier=Tier.SERVERS,
            key="lag-by-partition",
        )
    with right:
        panel(
            text.DEAD_LETTERS,
            rejections,
            job_charts.dead_letters,
            inputs=lambda: (kafka.dead_letter_topic,),
            tier=Tier.COLD,
            key="dead-letters",
            empty=text.NOTHING_REJECTED,
        )
    panel(text.JOBS, job_queries.spark_jobs, job_charts.jobs, tier=Tier.METADATA, key="jobs")


def data() -> None:
    left, right = st.columns([3, 2])
    with left:
        panel(text.STORAGE, storage_queries.storage, storage_charts.storage, tier=Tier.BOTH, key="storage")
    with right:
        panel(text.TABLES, storage_queries.storage, storage_charts.tables, tier=Tier.COLD, key="tables")
    left, right = st.columns([3, 2])
    with left:
        panel(
            text.TIMELINE,
            storage_queries.archives,
            storage_charts.timeline,
            tier=Tier.METADATA,
            key="timeline",
            empty=text.NO_ARCHIVES,
        )
    with right:
        panel(
            text.AUDIT,
            storage_queries.archive_audit,
            storage_charts.audit,
            tier=Tier.METADATA,
            key="audit",
            empty=text.NO_AUDIT,
        )


panel(text.SCORE, health_queries.score, health_charts.score, tier=Tier.SERVERS, key="score", height=NUMBERS_HEIGHT)
views("operations-view", {text.NOW: now, text.WORK: work, text.DATA: data})

"""Actions of operators. Viewers do not see them, and each action checks the role again."""

from __future__ import annotations

from typing import Any

import streamlit as st
from bson import ObjectId

from dashboard import access
from dashboard.app_pages.operations import alert_queries, alert_text, text
from dashboard.panels import tiers
from dashboard.panels.states import COLOURS, state_of
from dashboard.plain_text import for_markdown
from skytier import alerts, hot_tier, logs
from skytier.airflow_api import ARCHIVING, TRAINING, AirflowApi
from skytier.errors import SkytierError

_CHANGED, _SAID = "operations-alerts-changed", "operations-said"
_SHOWN_IN_FULL = 20  # the table below has all
_AIRFLOW_TIMEOUT_SECONDS = 10.0

log = logs.logger("dashboard")


def open_alerts() -> None:
    """Show every open alert in full, for operators with a button that acknowledges it; nothing where there is none."""
    if st.session_state.pop(_CHANGED, False):
        st.rerun()  # the whole page: the health score counts the alerts
    _said()
    is_operator = access.is_operator()
    for row in _open_rows():
        line = st.container(horizontal=True, vertical_alignment="center")
        line.markdown(_alert(row), width="stretch")
        if is_operator:
            line.button(
                alert_text.ACKNOWLEDGE,
                key=f"operations-acknowledge-{row['alert_id']}",
                on_click=_acknowledge,
                args=(row["alert_id"],),
            )


def start_runs() -> None:
    """Show the buttons that start an archive run or a training."""
    _said()
    if access.is_operator():
        row = st.container(horizontal=True)
        for dag_id, label, name, means in (
            (ARCHIVING, text.ARCHIVE_NOW, text.ARCHIVE_RUN, text.ARCHIVE_MEANS),
            (TRAINING, text.TRAIN_NOW, text.RETRAINING, text.TRAIN_MEANS),
        ):
            with row.popover(label, key=f"operations-open-{dag_id}"):
                st.write(means)
                st.button(
                    text.START, key=f"operations-start-{dag_id}", on_click=_start, args=(dag_id, name), type="primary"
                )


def _open_rows() -> list[dict[str, Any]]:
    """The open alerts, newest first; none where MongoDB does not answer."""
    try:
        rows = tiers.fetch(alert_queries.newest_alerts()).table.to_pylist()
    except SkytierError:
        return []  # the panel shows the error
    return [row for row in rows if row["acknowledged_by"] is None and row["resolved_time"] is None][:_SHOWN_IN_FULL]


def _alert(row: dict[str, Any]) -> str:
    """An alert in Markdown: its state in colour and words, and its whole message."""
    severity = alert_text.SEVERITIES.get(row["severity"], row["severity"])
    return alert_text.ALERT.format(
        colour=COLOURS[state_of(severity)],
        severity=for_markdown(severity),
        subject=for_markdown(alert_text.subject(row["kind"], row["subject"])),
        kind=for_markdown(alert_text.KINDS.get(row["kind"], row["kind"])),
        when=row["last_time"],
        message=for_markdown(row["message"]),
    )


def _acknowledge(alert_id: str) -> None:
    try:
        user = access.require_operator()
        with hot_tier.answering():
            count = alerts.acknowledge(tiers.mongodb(), [ObjectId(alert_id)], user.name)
    except SkytierError as error:
        _say(text.FAILED_ACTION.format(reason=error))
        return
    st.session_state[_CHANGED] = True
    _say(alert_text.ACKNOWLEDGED.format(count))


def _start(dag_id: str, name: str) -> None:
    try:
        user = access.require_operator()
        run_id = AirflowApi(_AIRFLOW_TIMEOUT_SECONDS).trigger(dag_id, text.START_NOTE.format(user.name))
    except SkytierError as error:
        _say(text.FAILED_ACTION.format(reason=error))
        return
    log.info("run started", dag_id=dag_id, run_id=run_id, by=user.name)
    _say(text.STARTED.format(name))


def _say(words: str) -> None:
    """Show a message at the next run of the panel: a callback of a fragment cannot show anything."""
    st.session_state[_SAID] = words


def _said() -> None:
    if words := st.session_state.pop(_SAID, None):
        st.toast(for_markdown(words))

"""Actions of operators. Viewers do not see them, and each action checks the role again."""

from __future__ import annotations

import streamlit as st
from bson import ObjectId

from dashboard import access
from dashboard.app_pages.operations import alert_queries, text
from dashboard.panels import tiers
from dashboard.plain_text import for_markdown, plain_words
from skytier import alerts, hot_tier, logs
from skytier.airflow_api import ARCHIVING, TRAINING, AirflowApi
from skytier.errors import SkytierError

_CHOSEN, _SAID = "operations-alerts", "operations-said"
_AIRFLOW_TIMEOUT_SECONDS = 10.0

log = logs.logger("dashboard")


def acknowledge_alerts() -> None:
    """Show the controls that acknowledge open alerts; nothing where there are none."""
    _said()
    names = _open_alerts() if access.is_operator() else {}
    if not names:
        return
    chosen = [one for one in st.session_state.get(_CHOSEN, []) if one in names]
    st.session_state[_CHOSEN] = chosen  # without those that somebody else has acknowledged meanwhile
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.multiselect(
        text.ACKNOWLEDGE_LABEL,
        list(names),
        key=_CHOSEN,
        format_func=lambda one: names[one],
        placeholder=text.ACKNOWLEDGE_HINT,
    )
    row.button(text.ACKNOWLEDGE, key="operations-acknowledge", on_click=_acknowledge, disabled=not chosen)


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


def _open_alerts() -> dict[str, str]:
    """A description of each open alert, by id; none where MongoDB does not answer."""
    try:
        rows = tiers.fetch(alert_queries.newest_alerts()).table.to_pylist()
    except SkytierError:
        return {}  # the panel shows the error
    return {
        row["alert_id"]: plain_words(
            text.ALERT.format(
                severity=text.SEVERITIES.get(row["severity"], row["severity"]),
                subject=text.subject(row["kind"], row["subject"]),
                kind=text.KINDS.get(row["kind"], row["kind"]),
                when=row["last_time"],
            )
        )
        for row in rows
        if row["acknowledged_by"] is None and row["resolved_time"] is None
    }


def _acknowledge() -> None:
    ids = [ObjectId(one) for one in st.session_state.get(_CHOSEN, [])]
    try:
        user = access.require_operator()
        with hot_tier.answering():
            count = alerts.acknowledge(tiers.mongodb(), ids, user.name)
    except SkytierError as error:
        _say(text.FAILED_ACTION.format(reason=error))
        return
    st.session_state[_CHOSEN] = []
    _say(text.ACKNOWLEDGED.format(count))


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

"""What operators may do on the pages. Viewers do not see it; should they get at it all the same, it is refused."""

from __future__ import annotations

import streamlit as st
from bson import ObjectId

from dashboard import access
from dashboard.plain_text import for_markdown, plain_words
from dashboard.queries import operations, tiers
from dashboard.text import operations as text
from skytier import alerts, hot_tier, logs
from skytier.airflow_api import ARCHIVING, TRAINING, AirflowApi
from skytier.errors import SkytierError

_CHOSEN, _SAID = "operations-alerts", "operations-said"
_AIRFLOW_PATIENCE_SECONDS = 10.0

log = logs.logger("dashboard")


def acknowledge_alerts() -> None:
    """Draw what acknowledges alerts that nobody has acknowledged; nothing without any."""
    _said()
    names = _open_alerts() if access.is_operator() else {}
    if not names:
        return
    chosen = [one for one in st.session_state.get(_CHOSEN, []) if one in names]
    st.session_state[_CHOSEN] = chosen  # one that somebody else acknowledged meanwhile is no choice any more
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
    """Draw what starts an archive run or a retraining."""
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
    """What is said of each alert that is open, by id; none where MongoDB does not answer."""
    try:
        rows = tiers.answer(operations.newest_alerts()).table.to_pylist()
    except SkytierError:
        return {}  # the panel says so
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
        who = access.require_operator()
        with hot_tier.answering():
            count = alerts.acknowledge(tiers.mongodb(), ids, who.name)
    except SkytierError as error:
        _say(text.FAILED_ACTION.format(reason=error))
        return
    st.session_state[_CHOSEN] = []
    _say(text.ACKNOWLEDGED.format(count))


def _start(dag_id: str, name: str) -> None:
    try:
        who = access.require_operator()
        run_id = AirflowApi(_AIRFLOW_PATIENCE_SECONDS).trigger(dag_id, text.START_NOTE.format(who.name))
    except SkytierError as error:
        _say(text.FAILED_ACTION.format(reason=error))
        return
    log.info("run started", dag_id=dag_id, run_id=run_id, by=who.name)
    _say(text.STARTED.format(name))


def _say(words: str) -> None:
    """Have it said when the panel is drawn: a callback of a part of the page may draw nothing."""
    st.session_state[_SAID] = words


def _said() -> None:
    if words := st.session_state.pop(_SAID, None):
        st.toast(for_markdown(words))

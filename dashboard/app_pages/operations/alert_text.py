"""The texts of alerts."""

from __future__ import annotations

from dashboard.app_pages.operations import text
from dashboard.panels import model_terms
from dashboard.panels.states import State

NO_ALERTS = "No alert has been raised."
SEVERITIES = {"critical": State.BAD.called("Critical"), "warning": State.WARNING.called("Warning")}
RESOLVED = State.GOOD.called("Resolved")
KINDS = {
    "archive": "Archive",
    "model": "Delay model",
    "drift": "Drift",
    "reconciliation": "Reconciliation",
    "server": "Server",
    "dag": "Airflow run",
    "lag": "Kafka lag",
    "quality": "Data quality",
    "kafka": "Kafka log",
    "quarantine": "Quarantine",
}
ALERT_SUBJECTS = {
    "batches": "Row counts of batches",
    "stored twice": "Events stored twice",
    "records": "Consumer lag",
    "minute job": "No new batch",
    "mean score": "Mean quality score",
    "rejected records": "Rejected records",
}
ALERT_OF_DRIFT = "{feature}, predicted {stage}"
OPEN = "open"
ACKNOWLEDGE, ACKNOWLEDGED = "Acknowledge", "Acknowledged: {}."
ALERT = ":{colour}[**{severity}**] **{subject}** ({kind}, {when:%m-%d %H:%M} UTC): {message}"

_NAMES = {"server": text.SERVER_NAMES, "dag": text.DAG_NAMES} | dict.fromkeys(
    ("reconciliation", "lag", "quality"), ALERT_SUBJECTS
)


def subject(kind: str, name: str) -> str:
    """The subject of an alert: a stage and a feature for drift, otherwise a server or a DAG."""
    if kind in _NAMES:
        return _NAMES[kind].get(name, name)
    stage, _, feature = name.partition(":")
    if kind != "drift" or stage not in model_terms.STAGE_NAMES:
        return name
    return ALERT_OF_DRIFT.format(feature=model_terms.feature_name(feature), stage=model_terms.STAGE_NAMES[stage])

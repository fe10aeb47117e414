"""The alert webhook: a POST of JSON to an address of the operators when an alert is raised or resolved."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import requests

from skytier import logs
from skytier.settings.alerts import AlertSettings

log = logs.logger("alerts")

Event = Literal["raised", "resolved"]


def post(
    settings: AlertSettings, event: Event, kind: str, severity: str, subject: str, message: str, since: datetime
) -> bool:
    """Post to the webhook, if one is set, and return whether it accepted the request within the time-out.

    The body's ``text`` is one line for chat servers; the other fields are those of the alert. A failure is logged and
    raises nothing: the alert is stored in MongoDB.
    """
    url = settings.webhook_url.get_secret_value()
    if not url:
        return False
    body = {
        "text": f"[{severity if event == 'raised' else event}] {kind}: {subject}: {message}",
        "event": event,
        "kind": kind,
        "severity": severity,
        "subject": subject,
        "message": message,
        "first_time": since.isoformat(),
    }
    try:
        requests.post(url, json=body, timeout=settings.webhook_timeout_seconds).raise_for_status()
    except requests.RequestException as error:
        # Log neither the error's text nor the address: both may contain the webhook's secret.
        status = error.response.status_code if error.response is not None else None
        log.error("webhook failed", alert=subject, event_name=event, reason=type(error).__name__, status=status)
        return False
    return True

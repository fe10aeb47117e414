"""Alerts to an address of the operators' own: a POST of JSON when one is raised and when it is resolved."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import requests

from skytier import logs
from skytier.settings.alerts import AlertSettings

log = logs.logger("alerts")

Event = Literal["raised", "resolved"]


def post(event: Event, kind: str, severity: str, subject: str, message: str, since: datetime) -> bool:
    """Tell the webhook, where one is set, and wait for it no longer than its time-out; whether it took it.

    The body's ``text`` says all in a line, as chat servers show it; the other fields are those of the alert. A webhook
    that fails is noted in the log and raises nothing: the alert stands in MongoDB.
    """
    settings = AlertSettings()
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
        # Neither its text nor the address: both may hold the secret of a webhook.
        status = error.response.status_code if error.response is not None else None
        log.error("webhook not told", alert=subject, event_name=event, reason=type(error).__name__, status=status)
        return False
    return True

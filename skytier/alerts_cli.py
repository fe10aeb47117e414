"""``skytier alerts``: check for alerts and list them."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import App, Parameter
from pymongo import DESCENDING

from skytier import alert_checks, alerts, hot_tier, terminal
from skytier.settings.alerts import AlertSettings

app = App(name="alerts", help="Check servers, DAGs, lag and quality for alerts; list alerts.")
AsJson = Annotated[bool, Parameter(name="--json", negative="")]
_FIELDS = (
    "severity",
    "kind",
    "subject",
    "message",
    "first_time",
    "last_time",
    "resolved_time",
    "count",
    "acknowledged_by",
)


@app.command
def check(*, as_json: AsJson = False) -> None:
    """Check servers, DAGs, lag and quality once; raise alerts, and resolve alerts whose cause is gone.

    The exit status is 0 even if alerts were raised, and 1 if MongoDB, which stores them, does not answer.

    Parameters
    ----------
    as_json
        Print the result as JSON.
    """
    report = alert_checks.check(AlertSettings())
    if as_json:
        print(json.dumps({"found": report.found, "unknown": report.unknown, "resolved": report.resolved}))
        return
    for kind, found in report.found.items():
        for subject, (severity, message) in found.items():
            terminal.say(f"{severity}: {kind}: {subject}: {message}")
    for kind, reason in report.unknown.items():
        terminal.say(f"not checked: {kind}: {reason}")
    raised = sum(map(len, report.found.values()))
    print(f"{raised} raised, {report.resolved} resolved.")


@app.command(name="list")
def list_(*, resolved: Annotated[bool, Parameter(negative="")] = False, as_json: AsJson = False) -> None:
    """List unresolved alerts, newest first.

    Parameters
    ----------
    resolved
        Include resolved alerts.
    as_json
        Print one JSON object per line.
    """
    which = {} if resolved else {"resolved_time": None}
    with hot_tier.client() as connection, hot_tier.answering():
        found = list(alerts.alerts(connection).find(which).sort("last_time", DESCENDING))
    for one in found:
        if as_json:
            print(json.dumps({name: one.get(name) for name in _FIELDS}, default=lambda moment: moment.isoformat()))
            continue
        by = one["acknowledged_by"]
        acknowledged = f"acknowledged by {by}" if by else "not acknowledged"
        ended = f", resolved {one['resolved_time']:%Y-%m-%d %H:%MZ}" if one.get("resolved_time") else ""
        terminal.say(
            f"{one['last_time']:%Y-%m-%d %H:%MZ}  {one['severity']}: {one['kind']}: {one['subject']}: {one['message']} "
            f"({one['count']} times since {one['first_time']:%Y-%m-%d %H:%MZ}, {acknowledged}{ended})"
        )
    if not found and not as_json:
        print("No alerts.")

"""``skytier alerts``: what operators must see."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import App, Parameter
from pymongo import DESCENDING

from skytier import alert_checks, alerts, hot_tier, terminal

app = App(name="alerts", help="Alerts: check what raises them, and list them.")
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
    """Look at servers, DAGs, lag and quality once; raise alerts, and resolve those whose cause is gone.

    Exit status 0 also where alerts were raised; 1 when MongoDB, which keeps them, does not answer.

    Parameters
    ----------
    as_json
        Print what was found as JSON.
    """
    report = alert_checks.check()
    if as_json:
        print(json.dumps({"found": report.found, "unknown": report.unknown, "resolved": report.resolved}))
        return
    for kind, found in report.found.items():
        for subject, (severity, message) in found.items():
            terminal.say(f"{severity}: {kind}: {subject}: {message}")
    for kind, reason in report.unknown.items():
        terminal.say(f"not known: {kind}: {reason}")
    raised = sum(map(len, report.found.values()))
    print(f"{raised} raised, {report.resolved} resolved.")


@app.command(name="list")
def list_(*, resolved: Annotated[bool, Parameter(negative="")] = False, as_json: AsJson = False) -> None:
    """List the alerts that are not resolved, newest first.

    Parameters
    ----------
    resolved
        List those that are resolved as well.
    as_json
        Print a JSON object a line.
    """
    which = {} if resolved else {"resolved_time": None}
    with hot_tier.client() as connection, hot_tier.answering():
        found = list(alerts.alerts(connection).find(which).sort("last_time", DESCENDING))
    for one in found:
        if as_json:
            print(json.dumps({name: one.get(name) for name in _FIELDS}, default=lambda moment: moment.isoformat()))
            continue
        seen = f"seen by {one['acknowledged_by']}" if one["acknowledged_by"] else "seen by nobody"
        ended = f", resolved {one['resolved_time']:%Y-%m-%d %H:%MZ}" if one.get("resolved_time") else ""
        terminal.say(
            f"{one['last_time']:%Y-%m-%d %H:%MZ}  {one['severity']}: {one['kind']}: {one['subject']}: {one['message']} "
            f"({one['count']} times since {one['first_time']:%Y-%m-%d %H:%MZ}, {seen}{ended})"
        )
    if not found and not as_json:
        print("No alert.")

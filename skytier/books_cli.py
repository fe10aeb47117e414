"""``skytier books``: whether what was consumed is what is stored."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter
from pymongo import MongoClient

from skytier import alert_conditions, alerts, books, duplicates, hot_tier, logs, terminal
from skytier.alerts import Severity
from skytier.books import Report
from skytier.files import Files
from skytier.hot_tier import Document
from skytier.sql import Connection

app = App(name="books", help="The books of the batches: check, duplicates.")


@app.command
def check(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Count every new batch again in every store; exit status 1 when anything differs.

    Parameters
    ----------
    as_json
        Print the report as JSON.
    """
    with Connection() as connection, hot_tier.client() as hot:
        report = books.check(connection, hot, Files())
        with hot_tier.answering():
            _alert(hot, report)
    if as_json:
        print(json.dumps(asdict(report), default=str))
    log = logs.logger("books")
    for entry in report.checked:
        log.info(
            "batch checked",
            batch_id=entry.batch_id,
            consumed=entry.consumed,
            stored=entry.stored,
            duplicates=entry.duplicates,
            rejected=entry.rejected,
        )
    for difference in report.differences:
        log.error("the books do not balance", **asdict(difference))
    if report.differences:
        print(
            f"error: the books of {len({d.batch_id for d in report.differences})} batch(es) do not balance; "
            "nothing is deleted, and the raw records of each batch are kept: see docs/operations.md.",
            *[terminal.visible(str(difference)) for difference in report.differences],
            sep="\n  ",
            file=sys.stderr,
        )
        sys.exit(1)
    print(f"{len(report.checked)} batch(es) checked, the books balance.", file=sys.stderr)


@app.command(name="duplicates")
def find_duplicates(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Look for events that are stored twice, over both tiers and in staging; exit status 1 when there are any.

    Parameters
    ----------
    as_json
        Print what was found as JSON.
    """
    with Connection() as connection, hot_tier.client() as hot:
        found = duplicates.find(connection)
        with hot_tier.answering():
            said = duplicates.report(hot, found) if found else "No event is stored twice."
            if not found:
                alerts.resolve(hot, alert_conditions.RECONCILIATION, duplicates.SUBJECT)
    if as_json:
        print(json.dumps([asdict(doubled) for doubled in found]))
    terminal.say(f"error: {said}" if found else said, file=sys.stderr)
    sys.exit(1 if found else 0)


def _alert(hot: MongoClient[Document], report: Report) -> None:
    """Raise the alert of a failed reconciliation, or resolve it: a batch that differs is counted again each time."""
    kind, subject = alert_conditions.RECONCILIATION, alert_conditions.BATCHES
    if not report.differences:
        alerts.resolve(hot, kind, subject)
        return
    batches = len({difference.batch_id for difference in report.differences})
    more = f" (and {len(report.differences) - 1} more)" if len(report.differences) > 1 else ""
    message = f"{batches} batch(es) do not reconcile: {report.differences[0]}{more}. See docs/operations.md."
    alerts.alert(hot, kind, Severity.CRITICAL, subject, message, until_resolved=True)

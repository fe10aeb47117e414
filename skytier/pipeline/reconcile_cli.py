"""``skytier reconcile``: whether what was consumed is what is stored."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter
from pymongo import MongoClient

from events.pipelines import all_pipelines
from skytier import alert_conditions, alerts, hot_tier, logs, terminal
from skytier.alerts import Severity
from skytier.archive import audit
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.hot_tier import Document
from skytier.pipeline import stored_duplicates
from skytier.pipeline.reconcile import Reconciliation, Report
from skytier.pipeline.spec import Pipeline
from skytier.sql import Connection

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
_PLACE = "docs/operations.md"

app = App(name="reconcile", help="Reconcile batches: count every new batch again in every store.")
books = App(name="books", help="Former name of 'skytier reconcile'.", show=False)


@app.default
def check(*, as_json: AsJson = False) -> None:
    """Count every new batch of every pipeline again in every store. Exit status 1 when any number differs.

    Parameters
    ----------
    as_json
        Print the report as JSON.
    """
    with Connection() as connection, hot_tier.client() as hot:
        reports = {pipeline: _check(pipeline, connection, hot) for pipeline in all_pipelines()}
    checked = [batch for report in reports.values() for batch in report.checked]
    differences = [difference for report in reports.values() for difference in report.differences]
    if as_json:
        print(json.dumps({pipeline.name: asdict(report) for pipeline, report in reports.items()}, default=str))
    if differences:
        print(
            f"error: {len({d.batch_id for d in differences})} batch(es) do not reconcile; nothing is deleted, and the "
            f"raw records of each batch are kept: see {_PLACE}.",
            *[terminal.visible(str(difference)) for difference in differences],
            sep="\n  ",
            file=sys.stderr,
        )
        sys.exit(1)
    print(f"{len(checked)} batch(es) checked, all row counts match.", file=sys.stderr)


@app.command
def accept(batch: int, *, reason: str, pipeline: str = "flights") -> None:
    """Accept a batch whose differences cannot be undone: later checks begin after it.

    Parameters
    ----------
    batch
        The batch's id.
    reason
        Why; kept with the differences.
    pipeline
        The pipeline that the batch is of.
    """
    chosen = _pipeline(pipeline)
    with Connection() as connection, hot_tier.client() as hot:
        by = audit.actor()
        accepted = Reconciliation(chosen, connection, Files()).accept(hot, batch, reason, by)
        report = _check(chosen, connection, hot)
    logs.logger("reconcile").warning(
        "batch accepted", pipeline=chosen.name, batch_id=batch, reason=reason, by=by, differences=accepted.differences
    )
    left = f" {len({d.batch_id for d in report.differences})} later batch(es) do not reconcile."
    print(f"Batch {batch} is accepted as it is.{left if report.differences else ''}", file=sys.stderr)


@app.command(name="duplicates")
def find_duplicates(*, as_json: AsJson = False) -> None:
    """Look for events that are stored twice, in the view over both tiers and in staging. Exit status 1 when there are.

    Parameters
    ----------
    as_json
        Print what was found as JSON.
    """
    found, messages = [], []
    with Connection() as connection, hot_tier.client() as hot:
        for pipeline in all_pipelines():
            doubled = stored_duplicates.find(connection, pipeline)
            with hot_tier.answering():
                if doubled:
                    messages.append(stored_duplicates.report(hot, pipeline, doubled))
                else:
                    subject = pipeline.qualified(stored_duplicates.SUBJECT)
                    alerts.resolve(hot, alert_conditions.RECONCILIATION, subject)
            found += doubled
    if as_json:
        print(json.dumps([asdict(doubled) for doubled in found]))
    said = " ".join(messages) or "No event is stored twice."
    terminal.say(f"error: {said}" if found else said, file=sys.stderr)
    sys.exit(1 if found else 0)


books.command(check, name="check")
books.command(find_duplicates, name="duplicates")


def _pipeline(name: str) -> Pipeline:
    known = {pipeline.name: pipeline for pipeline in all_pipelines()}
    if name not in known:
        raise TerminalError(f"--pipeline {name} is not a pipeline: it is one of {', '.join(known)}.")
    return known[name]


def _check(pipeline: Pipeline, connection: Connection, hot: MongoClient[Document]) -> Report:
    report = Reconciliation(pipeline, connection, Files()).check(hot)
    with hot_tier.answering():
        _alert(hot, pipeline, report)
    log = logs.logger("reconcile").bind(pipeline=pipeline.name)
    for batch in report.checked:
        log.info(
            "batch checked",
            batch_id=batch.batch_id,
            consumed=batch.consumed,
            stored=batch.stored,
            duplicates=batch.duplicates,
            rejected=batch.rejected,
        )
    for difference in report.differences:
        log.error("row counts differ", **asdict(difference))
    return report


def _alert(hot: MongoClient[Document], pipeline: Pipeline, report: Report) -> None:
    """Raise the alert of a failed reconciliation, or resolve it: a batch that differs is counted again each time."""
    kind, subject = alert_conditions.RECONCILIATION, pipeline.qualified(alert_conditions.BATCHES)
    if not report.differences:
        alerts.resolve(hot, kind, subject)
        return
    batches = len({difference.batch_id for difference in report.differences})
    more = f" (and {len(report.differences) - 1} more)" if len(report.differences) > 1 else ""
    message = f"{batches} batch(es) do not reconcile: {report.differences[0]}{more}. See {_PLACE}."
    alerts.alert(hot, kind, Severity.CRITICAL, subject, message, until_resolved=True)

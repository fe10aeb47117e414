"""``skytier models drift``: measure the drift of the delay model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from models.delay import REGISTRY_ROOT
from models.delay.metrics_table import STAGES, number_text
from models.registry import Registry
from skytier import terminal
from skytier.files import Files
from skytier.settings.alerts import AlertSettings
from skytier.settings.base import home

if TYPE_CHECKING:
    from models.delay.drift_metrics import DriftMetric
    from models.delay.drift_monitor import Report

_LARGEST = 10
_NOTHING = "No day in the hot tier has enough flights and the events before it: there is nothing to compare yet."


def drift(
    *,
    days: Annotated[int, Parameter(validator=Number(gte=1, lte=60))] = 7,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Compare the flights of the last days with the champion's training; store the metrics and show the newest day.

    The table flight_dw.model_drift holds all days. A stability index below 0.1 is stable, one above 0.25 is a shift.

    Parameters
    ----------
    days
        Number of days before that of the newest event.
    as_json
        Print the metrics of all days and the warnings as JSON.
    """
    from models.delay import drift_metrics, drift_monitor  # only this command pays for importing pandas

    report = drift_monitor.monitor(Registry(Files(), REGISTRY_ROOT), home() / "models", AlertSettings(), days)
    if as_json:
        terminal.print_json(_document(report))
    elif report.clock is None or not report.metrics:
        print(_NOTHING)
    else:
        newest = max(metric.flight_date for metric in report.metrics)
        rows = [metric for metric in report.metrics if metric.flight_date == newest]
        so_far = "" if drift_metrics.is_complete(newest, report.clock) else " so far"
        _print(report, rows, f"{newest}{so_far}")


def _document(report: Report) -> dict[str, object]:
    """The report in JSON's types."""
    return {
        "model_version": report.version,
        "clock": report.clock.isoformat() if report.clock else None,
        "metrics": [metric.document() for metric in report.metrics],
        "warnings": report.warnings,
    }


def _print(report: Report, rows: list[DriftMetric], day: str) -> None:
    """The errors of a day, and by stage its largest stability indexes."""
    console = terminal.console()
    console.print(f"{report.version} on the flights of {day}", style="bold")
    errors = Table("stage", "error", header_style="bold")
    shifts = Table("stage", "feature", header_style="bold")
    for table, names in ((errors, ("value", "test days", "flights")), (shifts, ("stability index", "flights"))):
        for name in names:
            table.add_column(name, justify="right")
    for stage in STAGES:
        of_stage = [row for row in rows if row.stage == stage]
        for row in of_stage:
            if row.measure == "error":
                values = (number_text(row.value), number_text(row.reference))
                terminal.add_row(errors, stage, row.name, *values, f"{row.flights:,}")
        shifted = sorted((row for row in of_stage if row.measure == "feature"), key=lambda row: -row.value)
        for row in shifted[:_LARGEST]:
            terminal.add_row(shifts, stage, row.name, f"{row.value:.2f}", f"{row.flights:,}")
    terminal.print_table(errors)
    terminal.print_table(shifts)
    for message in report.warnings.values():
        console.print(f"warning: {terminal.visible(message)}", style="yellow")

"""Tables of the delay model's metrics for a terminal: those of one version, and those of all versions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from models.card import Card
from skytier import terminal

STAGES = ("before_departure", "after_departure")

_BASELINES = {"train_median": "median of the training days", "airline_hour_mean": "mean by airline and hour"}
# Each row of the table: its title, the metric, its format, whether the baselines have the metric too.
_ROWS = (
    ("MAE, minutes", "mae", ".2f", True),
    ("R2", "r2", ".3f", True),
    ("RMSE, minutes", "rmse", ".2f", False),
    ("interval coverage", "coverage", ".3f", False),
    ("mean interval width, minutes", "mean_interval_minutes", ".1f", False),
    ("  symmetric baseline, minutes", "plus_minus_interval_minutes", ".1f", False),
    ("  best constant baseline, minutes", "constant_interval_minutes", ".1f", False),
    ("confidence calibration gap", "confidence_gap", ".3f", False),
)


def metrics_table(metrics: dict[str, dict[str, Any]], baselines: dict[str, dict[str, Any]]) -> Table:
    """The metrics on the test days, one column per stage, with those of the baselines below each."""
    table = Table("on the test days", header_style="bold")
    for stage in metrics:
        table.add_column(stage, justify="right")
    for title, name, form, has_baselines in _ROWS:
        terminal.add_row(table, title, *[_formatted(of.get(name), form) for of in metrics.values()])
        for baseline, what in _BASELINES.items() if has_baselines else ():
            others = [baselines.get(stage, {}).get(baseline, {}).get(name) for stage in metrics]
            terminal.add_row(table, f"  {what}", *[_formatted(value, form) for value in others], style="dim")
    return table


def versions_table(cards: list[Card], champion: str | None) -> Table:
    """The versions, one row each, with their mean absolute errors; the champion is marked."""
    table = Table(header_style="bold")
    table.add_column("version", no_wrap=True)  # users copy it
    table.add_column("trained at", min_width=len("2026-11-21"))  # the time may wrap below the date
    for name in ("rows", "MAE\nbefore", "MAE\nafter"):
        table.add_column(name, justify="right")
    table.add_column("champion", justify="center", no_wrap=True)
    for card in cards:
        version, maes = card["version"], [card["metrics"].get(stage, {}).get("mae") for stage in STAGES]
        mark = "*" if version == champion else ""
        rows = f"{card['data']['rows']:,}"
        terminal.add_row(table, version, time_text(card["trained_at"]), rows, *[number_text(mae) for mae in maes], mark)
    return table


def time_text(text: str) -> str:
    """A time of a card (ISO 8601) in UTC, to the minute."""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}Z"


def number_text(value: Any) -> str:
    """A number with four significant digits; nothing for any other value."""
    return f"{value:,.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _formatted(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)

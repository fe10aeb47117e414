"""The table that shows how good a version of the model is."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from skytier import terminal

_BASELINES = {"train_median": "median of the training days", "airline_hour_mean": "mean of airline and hour"}
# Each row of the table: its name, the figure, how it is written, whether the baselines have it too.
_ROWS = (
    ("MAE, minutes", "mae", ".2f", True),
    ("R2", "r2", ".3f", True),
    ("RMSE, minutes", "rmse", ".2f", False),
    ("share in the interval", "coverage", ".3f", False),
    ("mean interval, minutes", "mean_interval_minutes", ".1f", False),
    ("  the same plus and minus, minutes", "plus_minus_interval_minutes", ".1f", False),
    ("  the best constant one, minutes", "constant_interval_minutes", ".1f", False),
    ("gap of the confidence", "confidence_gap", ".3f", False),
)


def figures_table(metrics: dict[str, dict[str, Any]], baselines: dict[str, dict[str, Any]]) -> Table:
    """The figures on the test days, a column a stage; below each what the baselines would have achieved."""
    table = Table("on the test days", header_style="bold")
    for stage in metrics:
        table.add_column(stage, justify="right")
    for title, name, form, has_baselines in _ROWS:
        terminal.add_row(table, title, *[_number(of.get(name), form) for of in metrics.values()])
        for baseline, what in _BASELINES.items() if has_baselines else ():
            others = [baselines.get(stage, {}).get(baseline, {}).get(name) for stage in metrics]
            terminal.add_row(table, f"  {what}", *[_number(value, form) for value in others], style="dim")
    return table


def _number(value: Any, form: str) -> str:
    return "" if value is None else format(value, form)

"""Formats of numbers and tables, and the layout that charts share."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.panels import text

MARGIN_MAP = {"l": 0, "r": 0, "t": 0, "b": 0}
DAY, TIME = "%a %Y-%m-%d", "%Y-%m-%d %H:%M"
"""Of dates in tooltips, as Plotly writes them"""
MARKED_DAYS = 62  # lines over more days have no markers: these would hide the line
LEGEND = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"}
# Transparent, so that it fits both themes.
MAP = {
    "resolution": 110,
    "showland": True,
    "landcolor": "rgba(128, 128, 128, 0.18)",
    "showcountries": True,
    "countrycolor": "rgba(128, 128, 128, 0.6)",
    "coastlinecolor": "rgba(128, 128, 128, 0.6)",
    "showlakes": False,
    "showframe": False,
    "bgcolor": "rgba(0, 0, 0, 0)",
}


_SIGNED_ZERO = re.compile(r"[+-](?=0(?:\.0+)?(?![\d.]))")
_SHOWN_PERCENT = 0.1
_DECIMALS = {
    "quality_score": 2,
    "mean_quality": 4,
    "mean_quality_score": 4,
    "size_mb": 3,
    "file_size_mb": 3,
    "weight": 2,
    "r2": 2,
    "latency_ms": 0,
    "heartbeat_seconds": 0,
}
"""Of columns whose numbers need more or fewer than one"""
_PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")


def pattern(number: int) -> dict[str, object]:
    """A fill pattern for bars, so that series can be distinguished without colours."""
    shape = _PATTERNS[number % len(_PATTERNS)]
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "rgba(255, 255, 255, 0.6)", "solidity": 0.25, "size": 6}


def count(number: float) -> str:
    return f"{number:,.0f}"


def percent(number: float) -> str:
    """A percentage, 0 to 100, with one decimal. 0% and 100% are exact: a few are not none, nearly all are not all."""
    number = round(number, 9)  # of a sum of shares
    if math.isnan(number):
        return text.NO_VALUE
    if number in (0.0, 100.0):
        return f"{number:.0f}%"
    if 0 < number < _SHOWN_PERCENT / 2:
        return f"<{_SHOWN_PERCENT}%"
    return f">{100 - _SHOWN_PERCENT}%" if 100 - _SHOWN_PERCENT / 2 <= number < 100 else f"{number:,.1f}%"


def share(number: float) -> str:
    """A share, 0 to 1, as a percentage."""
    return percent(100 * number)


def score(number: float) -> str:
    """A mean quality score, 0 to 1."""
    return text.NO_VALUE if math.isnan(number) else f"{number:.4f}"


def size(megabytes: float) -> str:
    """A size in the unit in which it is at least 1, of 1,000 each: kB without decimals, MB and GB with one."""
    if megabytes < 1:
        return f"{megabytes * 1_000:,.0f} kB"
    return f"{megabytes:,.1f} MB" if megabytes < 1_000 else f"{megabytes / 1_000:,.1f} GB"


def unsigned_zero(shown: str) -> str:
    """A signed number as it is shown, zero without a sign: neither early nor late."""
    return _SIGNED_ZERO.sub("", shown)


def minutes(number: float) -> str:
    """A delay, with one decimal and its sign, which zero has not."""
    return unsigned_zero(f"{number:+,.1f} min")


def seconds(number: float) -> str:
    return f"{number:,.0f} s" if number < 600 else f"{number / 60:,.0f} min"


def age(seconds: float) -> str:
    """A time span: in seconds up to ten minutes, then in the largest unit in which it is at least 1."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 3_600:
        return f"{whole // 60} min"
    return f"{whole / 3_600:.1f} h" if whole < 86_400 else f"{whole / 86_400:.1f} days"


def grid(rows: pd.DataFrame) -> dict[str, Any]:
    """The column configuration of a table: times in UTC, numbers with one decimal or those of ``_DECIMALS``."""
    config: dict[str, Any] = {}
    for name, kind in rows.dtypes.items():
        label = text.column(str(name))
        if isinstance(kind, pd.DatetimeTZDtype):
            config[str(name)] = st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm:ss", timezone="UTC")
        elif pd.api.types.is_float_dtype(kind):
            config[str(name)] = st.column_config.NumberColumn(label, format=f"%.{_DECIMALS.get(str(name), 1)}f")
    return config

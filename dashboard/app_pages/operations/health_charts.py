"""Operations & Monitoring: health score, servers, alerts, cache and machine."""

from __future__ import annotations

from math import isnan
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.app_pages.operations import alert_text, text
from dashboard.app_pages.operations.health_queries import Part
from dashboard.panels import formats
from dashboard.panels.drawings import Grid, Number
from dashboard.panels.states import limited
from dashboard.panels.text import column

_SOME, _NEARLY_FULL, _FULL = 1e-9, 0.85, 0.95


def score(frame: pd.DataFrame) -> list[Number]:
    """The score, then its parts."""
    total = frame["points"].sum()
    note = next(note for least, note in text.SCORE_NOTES if total >= least)
    state = text.SCORE_STATES[note]
    total_number = Number(text.HEALTH_SCORE, formats.count(total), note=note, state=state, help=text.SCORE_HELP)
    columns = frame[["health_part", "points", "most", "measure", "of"]]
    return [total_number, *(_part(Part(part), *figures) for part, *figures in columns.itertuples(index=False))]


def _part(part: Part, points: float, most: float, measure: float, of: float) -> Number:
    note = text.POINTS_NOT_KNOWN if isnan(of) else text.POINTS.format(formats.count(points), formats.count(most))
    lost = float("nan") if isnan(of) else 1 - points / most
    return Number(text.PART_TITLES[part], _measure(part, measure, of), note=note, state=limited(lost, _SOME, 1.0))


def _measure(part: Part, measure: float, of: float) -> str:
    if isnan(of):
        return text.NOT_KNOWN
    if part is Part.MINUTE_RUNS:
        return text.NO_BATCH if isnan(measure) else formats.seconds(measure * 60)
    if part is Part.HOT_TIER:
        return formats.share(measure / of)
    if part is Part.ALERTS:
        return formats.count(measure)
    return text.OF.format(formats.count(measure), formats.count(of))


def servers(frame: pd.DataFrame) -> Grid:
    """The servers, unhealthy ones first."""
    order = frame["state"].map({"down": 0, "unknown": 1, "slow": 2}).fillna(3)
    ordered = frame.assign(order=order).sort_values("order", kind="stable")
    rows = pd.DataFrame(
        {
            "server": ordered["server"].map(text.SERVER_NAMES),
            "server_state": ordered["state"].map(text.STATES),
            "latency_ms": ordered["latency_ms"],
            "reason": ordered["reason"],
            "heartbeat_seconds": ordered["heartbeat_seconds"],
            "server_check": ordered["server"].map(text.CHECKS),
        }
    )
    if rows["reason"].isna().all():
        rows = rows.drop(columns="reason")
    return Grid(rows, formats.grid(rows), states=("server_state",), is_full_height=True)


def alerts(frame: pd.DataFrame) -> Grid:
    severity = frame["severity"].map(alert_text.SEVERITIES).fillna(frame["severity"])
    rows = pd.DataFrame(
        {
            "severity": severity.where(frame["resolved_time"].isna(), alert_text.RESOLVED),
            "alert_state": [alert_text.OPEN if pd.isna(by) else by for by in frame["acknowledged_by"].tolist()],
            "subject": [
                alert_text.subject(kind, name) for kind, name in zip(frame["kind"], frame["subject"], strict=True)
            ],
            "message": frame["message"],
            "last_time": frame["last_time"],
            "resolved_time": frame["resolved_time"],
            "times": frame["times"],
            "kind": frame["kind"].map(alert_text.KINDS).fillna(frame["kind"]),
            "first_time": frame["first_time"],
        }
    )
    message = st.column_config.TextColumn(column("message"), width="large")
    return Grid(rows, formats.grid(rows) | {"message": message}, states=("severity",))


def cache(frame: pd.DataFrame) -> list[Number]:
    row = frame.iloc[0]
    total = row["cached"] + row["stale"] + row["computed"]
    note = text.HIT_NOTE.format(formats.count(total))
    return [
        Number(text.HIT_RATIO, _share(row["cached"] + row["stale"], total), note=note, help=text.HIT_HELP),
        Number(text.STALE_RATIO, _share(row["stale"], total), note=note, help=text.STALE_HELP),
    ]


def _share(part: float, total: float) -> str:
    return formats.share(part / total) if total else text.NOT_KNOWN


def machine(frame: pd.DataFrame) -> list[Number]:
    row = frame.iloc[0]
    cores = text.CPU_NOTE.format(formats.count(row["cores"]))
    return [
        Number(text.CPU, formats.share(row["cpu_share"]), note=cores, help=text.CPU_HELP.format(f"{row['load']:.1f}")),
        _used(text.MEMORY, row["memory_used_gb"], row["memory_gb"]),
        _used(text.DISK, row["disk_used_gb"], row["disk_gb"], text.DISK_HELP),
        _logs(row),
    ]


def _logs(row: pd.Series[Any]) -> Number:
    kept = text.LOGS_NOTE.format(f"{row['log_days']:g}")
    if pd.isna(row["logs_mb"]):
        return Number(text.LOGS, text.NOT_KNOWN, note=kept, help=text.LOGS_NOT_CLEANED)
    cleaned = text.LOGS_HELP.format(row["logs_cleaned_at"])
    return Number(text.LOGS, formats.size(row["logs_mb"]), note=kept, help=cleaned)


def _used(label: str, used_gb: float, of_gb: float, where: str = "") -> Number:
    meaning = where + text.USED_HELP.format(used=f"{used_gb:,.1f} GB", total=f"{of_gb:,.1f} GB")
    note, state = text.USED_OF.format(f"{of_gb:,.0f} GB"), limited(used_gb / of_gb, _NEARLY_FULL, _FULL)
    return Number(label, _share(used_gb, of_gb), note=note, state=state, help=meaning)

"""Operations & Monitoring: the recent runs of every DAG, a square for each."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.operations import run_text, text
from dashboard.panels import formats
from dashboard.panels.drawings import Chart
from dashboard.panels.states import State, state_of

_SYMBOLS = {State.GOOD: "square", State.BAD: "x", State.ACTIVE: "triangle-right", State.UNKNOWN: "circle-open"}
# Readable on both backgrounds.
_COLOURS = {State.GOOD: "#009E73", State.BAD: "#D55E00", State.ACTIVE: "#0072B2", State.UNKNOWN: "#7F7F7F"}
_ROW_PIXELS, _FRAME_PIXELS = 32, 110


def grid(runs: pd.DataFrame) -> Chart | str:
    """A row for each DAG, a mark for each run by its state, the newest at the right."""
    known = runs[runs["state"].notna()]
    if known.empty:
        return run_text.NO_RUNS
    known = known.assign(
        place=-known.groupby("dag_id").cumcount(),
        name=[text.DAG_NAMES.get(dag, dag) for dag in known["dag_id"]],
        words=[text.RUN_STATES.get(state, state) for state in known["state"]],
    )
    figure = go.Figure()
    for words, of_state in known.groupby("words", sort=False):
        state = state_of(str(words))
        figure.add_scatter(
            x=of_state["place"],
            y=of_state["name"],
            name=str(words).partition(" ")[2] or str(words),
            mode="markers",
            marker={"symbol": _SYMBOLS[state], "color": _COLOURS[state], "size": 14},
            text=[_hover(row) for _, row in of_state.iterrows()],
            hoverinfo="text",
        )
    figure.update_layout(
        xaxis={"title": run_text.RUNS_AXIS, "showticklabels": False, "showgrid": False, "zeroline": False},
        yaxis={"type": "category", "autorange": "reversed"},
        legend=formats.LEGEND,
        showlegend=True,
    )
    return Chart(
        figure, _says(known), _FRAME_PIXELS + _ROW_PIXELS * known["dag_id"].nunique(), headline=_headline(known)
    )


def _hover(run: pd.Series) -> str:
    began = run_text.NOT_STARTED if pd.isna(run["started_at"]) else f"{run['started_at']:%Y-%m-%d %H:%M:%S} UTC"
    took = run_text.NOT_FINISHED if pd.isna(run["duration_seconds"]) else formats.seconds(run["duration_seconds"])
    return run_text.RUN_OF_GRID_HOVER.format(
        dag=run["name"], state=run["words"], began=began, took=took, run=run["run_id"]
    )


def _headline(known: pd.DataFrame) -> str:
    """The DAGs whose newest finished run failed."""
    ended = known[known["state"].isin(["success", "failed"])]
    newest = ended.sort_values("place").groupby("name", sort=False).tail(1)
    failed = newest.loc[newest["state"] == "failed", "name"].tolist()
    return run_text.NEWEST_FAILED.format(", ".join(failed)) if failed else run_text.NEWEST_GOOD


def _says(known: pd.DataFrame) -> str:
    counts = {name: formats.count((known["state"] == name).sum()) for name in ("success", "failed")}
    return run_text.RUNS_SAY.format(runs=formats.count(len(known)), **counts)

"""Operations & Monitoring: DAG runs, Spark batches, consumer lag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

import pandas as pd
import plotly.graph_objects as go

from dashboard.app_pages.operations import text
from dashboard.panels import formats, rejections
from dashboard.panels.drawings import Chart, Grid, Number
from dashboard.panels.formats import pattern
from skytier.airflow_api import MINUTE

_ENDED = ("success", "failed")
_SYMBOLS = {"success": "circle", "failed": "x"}
_TICKS = [number * 10**power for power in range(5) for number in (1, 2, 5)]


def dags(runs: pd.DataFrame) -> Grid:
    """A row for each DAG: its newest run, and the successes of the newest ones."""
    rows = pd.DataFrame([_dag(dag, of_dag) for dag, of_dag in runs.groupby("dag_id", sort=False)])
    times = rows.astype({"started_at": "datetime64[us, UTC]", "next_run_at": "datetime64[us, UTC]"})
    return Grid(times, formats.grid(times), states=("run_state",))


def _dag(dag: object, runs: pd.DataFrame) -> dict[str, object]:
    newest = runs.iloc[0]
    ended = runs[runs["state"].isin(_ENDED)]
    state = text.NEVER_RUN if pd.isna(newest["state"]) else text.RUN_STATES.get(newest["state"], newest["state"])
    return {
        "dag": _name(dag),
        "run_state": text.PAUSED if newest["is_paused"] else state,
        "duration_seconds": newest["duration_seconds"],
        "successful_runs": text.RUNS_SUCCESSFUL.format((ended["state"] == "success").sum(), len(ended)),
        "started_at": newest["started_at"],
        "next_run_at": newest["next_run_at"],
        "schedule": newest["schedule"],
    }


def _name(dag: object) -> str:
    return text.DAG_NAMES.get(str(dag), str(dag))


def durations(runs: pd.DataFrame) -> Chart:
    """The durations of the newest runs, a row for each DAG: a point for each run, a cross for a failed one."""
    ended = runs[runs["state"].isin(_ENDED) & runs["duration_seconds"].notna()]
    figure = go.Figure()
    for dag, of_dag in ended.groupby("dag_id", sort=False):
        figure.add_trace(
            go.Scatter(
                x=of_dag["duration_seconds"],
                y=[_name(dag)] * len(of_dag),
                mode="markers",
                marker={"symbol": [_SYMBOLS[state] for state in of_dag["state"]], "size": 10, "opacity": 0.6},
                text=[_run_hover(_name(dag), *run) for run in _facts(of_dag)],
                hoverinfo="text",
                showlegend=False,
            )
        )
    medians = ended.groupby("dag_id", sort=False)["duration_seconds"].median()
    figure.add_trace(
        go.Scatter(
            x=medians.tolist(),
            y=[_name(dag) for dag in medians.index],
            name=text.MEDIAN,
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 22, "line": {"width": 3}, "color": "rgba(128, 128, 128, 1)"},
            text=[text.MEDIAN_HOVER.format(_name(dag), formats.seconds(median)) for dag, median in medians.items()],
            hoverinfo="text",
            showlegend=True,
        )
    )
    figure.update_layout(
        xaxis={"title": text.DURATION_AXIS, "type": "log", "tickvals": _TICKS},
        yaxis={"type": "category", "autorange": "reversed"},
        legend=formats.LEGEND,
    )
    failed = formats.count((ended["state"] == "failed").sum())
    headline = text.DURATIONS_HEADLINE.format(runs=formats.count(len(ended)), failed=failed) if len(ended) else ""
    return Chart(figure, _durations_say(ended), headline=headline)


def _facts(runs: pd.DataFrame) -> Iterator[tuple[str, float, datetime]]:
    return runs[["state", "duration_seconds", "started_at"]].itertuples(index=False, name=None)


def _run_hover(dag: str, state: str, seconds: float, began: datetime) -> str:
    return text.RUN_HOVER.format(dag=dag, state=text.RUN_STATES[state], seconds=formats.seconds(seconds), began=began)


def _durations_say(ended: pd.DataFrame) -> str:
    if ended.empty:
        return text.NO_RUN_ENDED
    longest = ended.iloc[int(ended["duration_seconds"].argmax())]
    minute = ended[ended["dag_id"] == MINUTE]["duration_seconds"]
    return text.DURATIONS_SAYS.format(
        runs=formats.count(len(ended)),
        failed=formats.count((ended["state"] == "failed").sum()),
        median=text.NOT_KNOWN if minute.empty else formats.seconds(minute.median()),
        longest=formats.seconds(longest["duration_seconds"]),
        dag=_name(longest["dag_id"]),
    )


def jobs(batches: pd.DataFrame) -> Chart:
    """A bar for each batch, oldest first, stacked by steps."""
    ordered = batches.sort_values("batch_id").reset_index(drop=True)
    steps = pd.DataFrame([json.loads(seconds) for seconds in ordered["step_seconds"].fillna("{}")], dtype=float)
    steps = steps[[name for name in text.STEPS if name in steps] + [name for name in steps if name not in text.STEPS]]
    figure = go.Figure()
    for number, name in enumerate(steps):
        step = _step(str(name))
        figure.add_trace(
            go.Bar(
                x=ordered["committed_at"].dt.strftime("%H:%M:%S"),
                y=steps[name],
                name=step,
                marker={"pattern": pattern(number)},
                text=[_job_hover(step, *row) for row in zip(steps[name], *_of_batches(ordered), strict=True)],
                textposition="none",
                hoverinfo="text",
            )
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"title": text.JOBS_AXIS, "type": "category", "nticks": 6, "tickangle": 0},
        yaxis_title=text.STEP_AXIS,
        legend=formats.LEGEND,
    )
    seconds = ordered["duration_seconds"]
    headline = text.JOBS_HEADLINE.format(
        last=formats.seconds(seconds.iloc[-1]), median=formats.seconds(seconds.median())
    )
    return Chart(figure, _jobs_say(ordered, steps), height=520, headline=headline)


def _step(name: str) -> str:
    return text.STEPS.get(name, name.replace("_", " ").capitalize())


def _of_batches(batches: pd.DataFrame) -> list[list[object]]:
    return [batches[name].tolist() for name in ("batch_id", "consumed", "duration_seconds")]


def _job_hover(step: str, seconds: float, batch: object, records: float, duration: float) -> str:
    return text.JOB_HOVER.format(
        step=step,
        seconds=seconds,
        batch=batch,
        records=formats.count(records),
        duration=formats.seconds(duration),
    )


def _jobs_say(batches: pd.DataFrame, steps: pd.DataFrame) -> str:
    newest, means = batches.iloc[-1], steps.mean().dropna()
    said = text.JOBS_SAYS.format(
        last=formats.seconds(newest["duration_seconds"]),
        records=formats.count(newest["consumed"]),
        batches=formats.count(len(batches)),
        median=formats.seconds(batches["duration_seconds"].median()),
    )
    if means.empty:
        return said
    longest = text.LONGEST_STEP.format(step=_step(str(means.idxmax())), seconds=formats.seconds(means.max()))
    return f"{said} {longest}"


def lag(partitions: pd.DataFrame, topic: str) -> list[Number]:
    """The records of the topic that wait for the minute job."""
    longest = partitions.iloc[int(partitions["waiting"].argmax())]
    kept = (partitions["end_offset"] - partitions["first_offset"]).sum()
    meaning = text.WAITING_HELP.format(topic=topic, kept=formats.count(kept), partitions=formats.count(len(partitions)))
    waiting, most = formats.count(partitions["waiting"].sum()), formats.count(longest["waiting"])
    return [
        Number(text.WAITING, waiting, note=text.WAITING_NOTE.format(formats.count(kept)), help=meaning),
        Number(text.LONGEST, most, note=text.LONGEST_NOTE.format(formats.count(longest["partition"]))),
    ]


def lag_by_partition(partitions: pd.DataFrame) -> Grid:
    """The lag and the offsets of each partition."""
    return Grid(partitions, says=text.LAG_SAYS, is_full_height=True)


def dead_letters(found: pd.DataFrame, topic: str) -> Grid:
    """The reasons of the records in the dead-letter topic, the most frequent first."""
    rows = found.assign(reason=found["reason"].map(rejections.reason))
    says = text.DEAD_LETTERS_SAY.format(
        records=formats.count(rows["records"].sum()), reasons=formats.count(len(rows)), topic=topic
    )
    return Grid(rows, formats.grid(rows), says=says)

"""Measure how fast a version of the delay model scores: ``python -m tests.bench.scoring FOLDER``.

FOLDER is a version as the minute job keeps it, ``SKYTIER_HOME/models/<version>``. OMP_NUM_THREADS decides the threads.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd
import xgboost
from cyclopts import App

from models.delay import delay_model, features, scoring, training_data

RUNS, ROWS, EARLIER = 5, 200_000, 20_000
DAYS = (date(2013, 10, 1), date(2013, 12, 31))

Prepared = TypeVar("Prepared")
app = App(help="Benchmark of the delay model's scoring.")


def rate(rows: int, prepare: Callable[[], Prepared], work: Callable[[Prepared], object]) -> float:
    """Rows per second of ``work``, the median of ``RUNS``; what ``prepare`` takes does not count."""
    seconds = []
    for _ in range(RUNS):
        prepared, start = prepare(), time.perf_counter()
        work(prepared)
        seconds.append(time.perf_counter() - start)
    return rows / statistics.median(seconds)


def _report(what: str, rows_per_second: float) -> None:
    print(f"{what:60} {rows_per_second:12,.0f}/s", flush=True)


def _answers(boosters: list[xgboost.Booster], data: xgboost.DMatrix) -> None:
    for booster in boosters:
        booster.predict(data)


def _trees(model: delay_model.DelayModel, frame: pd.DataFrame) -> None:
    for stage, part in model.stages.items():
        for name, boosters in {
            "point": [part.point],
            "interval": [part.interval],
            "point and interval": [part.point, part.interval],
        }.items():
            # A matrix of its own for each run: XGBoost remembers what it answered to one.
            prepare = partial(delay_model.matrix, frame, part.features, model.categories)
            _report(f"rows through the trees, {stage}, {name}", rate(len(frame), prepare, partial(_answers, boosters)))


@app.default
def main(folder: Path) -> None:
    """Measure the trees on rows of features, then all that scoring does with a batch."""
    model = delay_model.load(folder)
    events = training_data.from_package(*DAYS).events.sort_values("event_time", ignore_index=True)
    targets = events[features.is_predicted_on(events)]
    built = features.build(targets, events)
    _trees(model, pd.concat([built] * (ROWS // len(built) + 1), ignore_index=True).head(ROWS))
    earlier, batch = events.head(EARLIER)[list(features.EVENT_COLUMNS)], events.iloc[EARLIER:]
    none = pd.DataFrame(columns=["event_id", *delay_model.PREDICTION_COLUMNS]).set_index("event_id")
    per_second = rate(len(batch), lambda: None, lambda _: scoring.score(model, batch, earlier, none))
    predictions = int(features.is_predicted_on(batch).sum())
    _report("events scored, features and outcomes among it", per_second)
    _report("predictions so made", per_second * predictions / len(batch))


if __name__ == "__main__":
    app()

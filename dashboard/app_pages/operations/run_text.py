"""The texts of the grid of recent runs."""

from __future__ import annotations

RUNS_AXIS, NO_RUNS = "Newest runs, the latest at the right", "No DAG has run yet."
NEWEST_FAILED, NEWEST_GOOD = "Newest run failed: {}", "The newest finished run of every DAG succeeded"
RUNS_SAY = "{runs} runs: {success} succeeded, {failed} failed."
RUN_OF_GRID_HOVER = "{dag}: {state}, started {began}, {took}<br>{run}"
NOT_STARTED, NOT_FINISHED = "not yet", "not finished"

"""The scores of the delay model arrive in Spark for batches of any composition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from models.delay import delay_model, scoring
from models.delay.delay_model import PREDICTION_COLUMNS
from spark_jobs.flights import outputs
from spark_jobs.flights import scoring as flight_scoring
from tests import small_model
from tests.flight_frames import Row, arrived, departed, frame, scheduled

pytestmark = pytest.mark.spark

BEFORE, AFTER, OUTCOME = scheduled("18:00"), departed("18:10", 10), arrived("22:05", 5)
PREDICTED = {"event_id", *PREDICTION_COLUMNS}
# What each event gets beside its own prediction.
EVALUATED_AFTER = {"predicted_after_departure_minutes", "error_after_departure_minutes", "prediction_error_minutes"}
EVALUATED_BEFORE = {name for name in outputs.SCORES if "before_departure" in name} | {"prediction_error_minutes"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.train(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([BEFORE], [PREDICTED]),
        ([AFTER], [PREDICTED]),
        ([OUTCOME], []),
        ([BEFORE, AFTER], [PREDICTED, PREDICTED]),
        ([BEFORE, OUTCOME], [PREDICTED, PREDICTED | EVALUATED_BEFORE]),
        ([AFTER, OUTCOME], [PREDICTED, PREDICTED | EVALUATED_AFTER]),
        ([BEFORE, AFTER, OUTCOME], [PREDICTED, PREDICTED, PREDICTED | EVALUATED_BEFORE | EVALUATED_AFTER]),
    ],
    ids=["before", "after", "arrived", "before, after", "before, arrived", "after, arrived", "all"],
)
def test_scores_of_one_flight(spark: SparkSession, folder: Path, events: list[Row], said: list[set[str]]) -> None:
    """A column without a value, of text too, is null in Spark; it once stopped the minute job."""
    one_flight = [row | {"flight_id": "F", "event_id": f"F:{row['event_type']}"} for row in events]

    def score(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        batch, nothing = frame(*one_flight), pd.DataFrame(columns=list(PREDICTION_COLUMNS))
        for _ in parts:
            yield flight_scoring.spark_typed(scoring.score(delay_model.load(folder), batch, batch.iloc[:0], nothing))

    rows = spark.range(1).coalesce(1).mapInPandas(score, flight_scoring.SCHEMA).collect()
    found = [{name for name, value in row.asDict().items() if value is not None} for row in rows]
    assert found == said

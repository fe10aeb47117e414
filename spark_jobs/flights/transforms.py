"""What the pipeline of flights does to its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.delay import REGISTRY_ROOT
from models.registry import Registry
from skytier import alerts, hot_tier
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.migrations import DATABASE
from skytier.pipeline.spec import Scoring, Transforms
from skytier.settings.processing import ProcessingSettings
from spark_jobs.flights import outputs
from spark_jobs.flights.clean import clean
from spark_jobs.flights.enrich import enrich
from spark_jobs.flights.flight_dates import flown_on
from spark_jobs.flights.parse import parse
from spark_jobs.flights.quality import score_quality
from spark_jobs.flights.reference import join_reference
from spark_jobs.flights.summary import summarize
from spark_jobs.flights.validate import validate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def prepare(spark: SparkSession, records: DataFrame) -> DataFrame:
    """From records to validated, enriched and quality-scored events; a record keeps its row whatever it is."""
    airlines, airports, aircraft = (
        spark.table(f"{DATABASE}.dim_{name}") for name in ("airline", "airport", "aircraft")
    )
    known = join_reference(clean(parse(records)), airlines, airports, aircraft)
    validated = validate(known, ProcessingSettings().clock_tolerance_minutes)
    return score_quality(enrich(validated))


def champion(files: Files) -> str | None:
    """The version of the delay model that predicts in this run; None, and an alert, where there is none."""
    try:
        found = Registry(files, REGISTRY_ROOT).champion()
    except TerminalError as error:
        found, why = None, str(error)
    else:
        why = "No model has been trained yet: run 'skytier train'."
    if found is None:
        with hot_tier.client() as connection:
            why = f"Events stay unscored: {why}"
            alerts.alert(connection, "model", alerts.Severity.CRITICAL, "champion", why, until_resolved=True)
        return None
    return found.version


def predict(stored: DataFrame, model_version: str, batch_id: int) -> DataFrame:
    """The predictions by ``event_id``."""
    from spark_jobs.flights.scoring import predict as ask  # an empty minute does not pay for importing XGBoost

    return ask(stored, model_version, batch_id)


TRANSFORMS = Transforms(
    prepare=prepare,
    outputs={
        "staging_flight_events": outputs.staging,
        "fact_flight_events": outputs.fact,
        "predictions": outputs.predictions,
    },
    hot=outputs.hot,
    summarize=summarize,
    scoring=Scoring(champion=champion, score=predict, unscored=outputs.unscored),
    lookup_column="flight_date",
    lookup=flown_on,
)

"""Which records count as repeated, and which stored files have to be looked at for it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from skytier.pipeline.duplicates import find_duplicates
from spark_jobs.flights.flight_dates import date_ranges, flown_on

pytestmark = pytest.mark.spark

START = datetime(2026, 11, 21, tzinfo=UTC)
SCHEMA = "event_id string, kafka_partition int, kafka_offset bigint, ingestion_timestamp timestamp"


def duplicates(spark: SparkSession, ids: list[str], stored: list[str]) -> set[int]:
    rows = [(event, 0, offset, START + timedelta(seconds=offset)) for offset, event in enumerate(ids)]
    found = find_duplicates(
        spark.createDataFrame(rows, SCHEMA), spark.createDataFrame([(event,) for event in stored], "event_id string")
    )
    offsets = [row.kafka_offset for row in found.collect()]
    assert len(offsets) == len(set(offsets))
    return set(offsets)


def test_first_of_the_batch_stays_when_nothing_is_stored(spark: SparkSession) -> None:
    assert duplicates(spark, ["a", "b", "a", "a", "c"], []) == {2, 3}


def test_every_copy_goes_when_the_event_is_stored(spark: SparkSession) -> None:
    assert duplicates(spark, ["a", "b", "a"], ["a", "z"]) == {0, 2}


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 1, 0), (1, 3, 0, 2)])
def test_of_records_that_came_at_once_the_first_in_the_log_stays(spark: SparkSession, order: tuple[int, ...]) -> None:
    """Whatever order Spark reads them in: a batch that is repeated must find the same."""
    places = [(0, 5), (0, 6), (1, 2), (1, 9)]
    rows = [("a", *places[place], START) for place in order]
    found = find_duplicates(spark.createDataFrame(rows, SCHEMA), spark.createDataFrame([], "event_id string"))
    assert sorted(map(tuple, found.collect())) == places[1:]


def test_of_records_in_several_partitions_the_first_by_ingestion_stays(spark: SparkSession) -> None:
    rows = [("a", 0, 9, START + timedelta(seconds=1)), ("a", 1, 20, START), ("a", 2, 1, START + timedelta(seconds=2))]
    found = find_duplicates(spark.createDataFrame(rows, SCHEMA), spark.createDataFrame([], "event_id string"))
    assert sorted(map(tuple, found.collect())) == [(0, 9), (2, 1)]


def test_nothing_repeated(spark: SparkSession) -> None:
    assert duplicates(spark, ["a", "b"], ["c"]) == set()


def test_flown_on_selects_by_the_date_in_the_id(spark: SparkSession) -> None:
    days = [date(2013, 1, 31), date(2013, 2, 1), date(2013, 3, 1)]
    ids = [f"2013-{month:02}-{day:02}-UA-1-EWR:departed" for month in range(1, 5) for day in (1, 2, 28, 30, 31)]
    frame = spark.createDataFrame([(event,) for event in ids], "event_id string")
    found = {row.event_id[:10] for row in frame.where(flown_on(days)).collect()}
    assert found == {"2013-01-31", "2013-02-01", "2013-03-01"}
    assert frame.where(flown_on([])).count() == 0


@given(st.sets(st.dates(date(2010, 1, 1), date(2012, 12, 31)), max_size=40))
def test_date_ranges_cover_exactly_the_dates(days: set[date]) -> None:
    ranges = date_ranges(days)
    covered = [first + timedelta(days=n) for first, end in ranges for n in range((end - first).days)]
    assert covered == sorted(days)
    assert all(end < nxt for (_, end), (nxt, _) in itertools.pairwise(ranges))

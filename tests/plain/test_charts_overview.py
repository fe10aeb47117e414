"""Real-Time Overview drawn from small frames."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dashboard.app_pages.overview import charts as overview
from dashboard.app_pages.overview import text
from dashboard.panels.drawings import Chart

pytestmark = pytest.mark.plain

CLOCK = pd.Timestamp("2013-01-02 12:00", tz="UTC")


def flights(*rows: tuple[str, str | None, float]) -> pd.DataFrame:
    """Flights by the hour they left, the hour they landed, and their delay in minutes."""
    return pd.DataFrame(
        {
            "flight_id": [f"flight {number}" for number in range(len(rows))],
            "origin": "EWR",
            "destination": "IAH",
            "departed_at": [CLOCK.normalize() + pd.Timedelta(departed) for departed, _, _ in rows],
            "landed_at": pd.Series(
                [CLOCK.normalize() + pd.Timedelta(landed) if landed else None for _, landed, _ in rows],
                dtype="datetime64[ns, UTC]",
            ),
            "departure_delay_minutes": [delay for _, _, delay in rows],
            "clock": CLOCK,
        }
    )


def test_a_flight_is_in_the_air_from_departure_to_landing() -> None:
    frame = flights(("9h", "11h", 0.0), ("10h", None, 15.0), ("12h", None, 14.9), ("8h", "12h", 90.0))
    flying, late = overview.in_the_air(frame)
    assert (flying.value, late.value) == ("2", "1")
    assert list(flying.trend)[-4:] == [2, 3, 2, 2]
    assert (flying.change, flying.note) == (None, "unchanged in an hour")
    assert (late.change, late.note) == ("-1", None)
    assert late.more_is == "inverse"


def test_a_map_without_flights_says_so() -> None:
    assert overview.routes(flights(("9h", "11h", 0.0))) == (
        "No flight is in the air at 2013-01-02 12:00 UTC, the warehouse clock (the newest event time of the hot tier)."
    )


def test_a_map_has_a_line_a_route_and_says_how_many_are_late() -> None:
    chart = overview.routes(flights(("10h", None, 30.0), ("11h", None, -5.0)))
    assert isinstance(chart, Chart)
    assert len([trace for trace in chart.figure.data if trace.mode == "lines"]) == 1
    assert chart.says == "Flights in the air: 2, on 1 routes. Departed at least 15 minutes late: 1."
    assert "2 flights inbound, mean departure delay +12.5 min" in chart.figure.data[-1].text[0]


def test_a_map_shows_all_places_and_is_not_too_near() -> None:
    near = overview._window([40.6, 40.7], [-74.2, -73.8])
    assert near["lataxis_range"] == pytest.approx([40.65 - 6, 40.65 + 6])
    assert near["lonaxis_range"] == pytest.approx([-74 - 8.4, -74 + 8.4])
    wide = overview._window([21.3, 61.2, 40.7], [-157.9, -150.0, -73.8])
    assert wide["lataxis_range"][0] < 21.3 < 61.2 < wide["lataxis_range"][1]
    assert wide["lonaxis_range"][0] < -157.9 < -73.8 < wide["lonaxis_range"][1]
    spans = [end - start for start, end in (wide["lonaxis_range"], wide["lataxis_range"])]
    assert spans[0] / spans[1] == pytest.approx(1.4)


def batches(*rows: tuple[str, int, int, int]) -> pd.DataFrame:
    """Batches by time of commit, with the records stored, duplicate and rejected; an hour and a half before now."""
    frame = pd.DataFrame(rows, columns=["committed_at", "stored", "duplicates", "rejected"])
    return frame.assign(
        committed_at=[CLOCK.normalize() + pd.Timedelta(committed) for committed in frame["committed_at"]],
        consumed=frame[["stored", "duplicates", "rejected"]].sum(axis=1),
        records=frame["stored"].cumsum(),
        latency_seconds=72.4,
        now=CLOCK + pd.Timedelta("30s"),
    )


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def test_a_single_batch_has_numbers() -> None:
    records, latency = overview.batches(batches(("12h", 5, 0, 0)))
    assert (records.value, latency.value) == ("5", "72 s")


def test_ingestion_counts_what_batches_consumed_also_duplicates() -> None:
    """Not what the hot tier still holds: archiving would erase the history."""
    frame = batches(("10h", 9, 0, 0), ("11h 30m 10s", 5, 2, 1), ("11h 30m 50s", 1, 0, 0), ("12h", 0, 7, 0))
    chart = overview.ingestion(frame)
    assert chart.rows is not None
    assert len(chart.rows) == 60
    assert chart.rows["minute"].iloc[-1] == CLOCK
    found = dict(zip(chart.rows["minute"], chart.rows.drop(columns="minute").to_numpy().tolist(), strict=True))
    assert found[CLOCK - pd.Timedelta("30min")] == [9, 6, 2, 1]
    assert found[CLOCK] == [7, 0, 7, 0]
    assert chart.says.startswith(
        "16 records consumed in the last hour: 6 stored, 9 duplicates, 1 rejected; maximum 9 at 11:30"
    )


def test_an_hour_without_batches_says_so() -> None:
    assert overview.ingestion(batches(("10h", 9, 0, 0))).says.startswith("No record was consumed in the last hour")


def test_the_incoming_rate_is_a_number() -> None:
    frame = pd.DataFrame({"arrived": [1234], "newest": [CLOCK], "age_seconds": [70.0]})
    (rate,) = overview.incoming(frame)
    assert (rate.label, rate.value, rate.note) == ("Incoming per min", "1,234", "1 min 10 s ago")
    (none,) = overview.incoming(frame.assign(arrived=0, age_seconds=float("nan")))
    assert (none.value, none.note) == ("0", "no record yet")


def test_where_only_known_events_come_the_map_says_why_nothing_flies() -> None:
    now = CLOCK.to_pydatetime()
    counts = (("12h", 7), ("11h 59m", 0), ("11h 58m", 5), ("11h 57m", 3))
    newest_first = records_of(batches(*((at, 0, duplicates, 0) for at, duplicates in counts), ("11h", 2, 0, 0)))
    known = text.idle(newest_first, now, now)
    assert known is not None
    assert known.startswith("The newest 3 batches consumed 15 records, all of events that are stored already.")
    said = overview.routes(flights(("9h", "11h", 0.0)), known)
    assert isinstance(said, str)
    assert said.endswith(known)
    assert text.idle(records_of(batches(("12h", 1, 7, 0))), now, now) is None
    silent = text.idle(newest_first, (CLOCK - pd.Timedelta("10min")).to_pydatetime(), now)
    assert silent == "No record has arrived in Kafka since 2013-01-02 11:50 UTC: no source is publishing."

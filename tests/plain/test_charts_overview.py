"""Real-Time Overview drawn from small frames."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.app_pages.overview import charts as overview
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
    assert "2 flights inbound, mean departure delay +12 min" in chart.figure.data[-1].text[0]


def test_a_map_shows_all_places_and_is_not_too_near() -> None:
    near = overview._window([40.6, 40.7], [-74.2, -73.8])
    assert near["lataxis_range"] == pytest.approx([40.65 - 6, 40.65 + 6])
    assert near["lonaxis_range"] == pytest.approx([-74 - 8.4, -74 + 8.4])
    wide = overview._window([21.3, 61.2, 40.7], [-157.9, -150.0, -73.8])
    assert wide["lataxis_range"][0] < 21.3 < 61.2 < wide["lataxis_range"][1]
    assert wide["lonaxis_range"][0] < -157.9 < -73.8 < wide["lonaxis_range"][1]
    spans = [end - start for start, end in (wide["lonaxis_range"], wide["lataxis_range"])]
    assert spans[0] / spans[1] == pytest.approx(1.4)


def test_a_single_batch_has_numbers() -> None:
    frame = pd.DataFrame({"committed_at": [CLOCK], "stored": [5], "records": [5], "latency_seconds": [72.4]})
    records, latency = overview.batches(frame)
    assert (records.value, latency.value) == ("5", "72 s")

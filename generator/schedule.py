"""Synthetic flights: a timetable of rotations from New York and back, and the actual times."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from generator import climate
from generator.flights import ORIGIN_TIMEZONE, SCHEDULED_AHEAD, to_utc
from generator.traffic import Traffic
from skytier import reference

Floats = NDArray[np.float64]

FIRST_NUMBER = 8501
"""Real flight numbers end at 8500. A synthetic one is this plus the local minute of the scheduled departure."""

LANES = 5
"""Flights depart in one of five lanes of minutes, chosen by the seed: five consecutive seeds share no flight."""

_FIRST_MINUTE = 5 * 60
_SHORTEST_TURN_MINUTES = 40.0


def timetable(traffic: Traffic, rng: np.random.Generator, start: pd.Timestamp, days: Floats, lane: int) -> pd.DataFrame:
    """Flights by scheduled departure, each at least two hours after ``start`` (aware UTC).

    ``days`` is the expected number of rotations that leave New York on each local day from that of ``start`` on.
    """
    first_day = start.tz_convert(ORIGIN_TIMEZONE).tz_localize(None).normalize()
    day = np.repeat(np.arange(len(days)), rng.poisson(days))
    hour = rng.choice(24, size=len(day), p=traffic.by_hour)
    minute = hour * 60 + rng.integers(0, 60 // LANES, len(day)) * LANES + lane
    routes = traffic.routes.iloc[rng.choice(len(traffic.routes), size=len(day), p=traffic.routes["share"])]
    routes = routes.drop(columns=["share", "flights"]).reset_index(drop=True)
    local = first_day + pd.to_timedelta(day * 1440 + minute, unit="min")
    outbound = _fly(routes, pd.Series(local), pd.Series(ORIGIN_TIMEZONE, index=routes.index), rng)
    outbound = outbound.assign(rotation=outbound.index, turn_minutes=np.inf)
    both = pd.concat([outbound, _back(outbound, rng, lane)], ignore_index=True)
    is_after_start = both["scheduled_departure"] > start + SCHEDULED_AHEAD
    both = both[is_after_start].drop_duplicates("flight_id")
    return both.sort_values(["scheduled_departure", "flight_id"], ignore_index=True)


def _fly(
    routes: pd.DataFrame, local: pd.Series[pd.Timestamp], timezones: pd.Series[str], rng: np.random.Generator
) -> pd.DataFrame:
    """The scheduled flights of these routes at these local times of departure."""
    departure = pd.Series(pd.NaT, index=routes.index, dtype="datetime64[ns, UTC]")
    for timezone, rows in timezones.groupby(timezones).groups.items():
        departure[rows] = to_utc(local[rows], str(timezone))
    block = np.round(38 + routes["distance_miles"] / 7.5 + rng.integers(-6, 7, len(routes)))
    number = local.dt.hour * 60 + local.dt.minute + FIRST_NUMBER
    date = local.dt.strftime("%Y-%m-%d")
    return routes.assign(
        flight_number=number,
        flight_id=date + "-" + routes["airline"] + "-" + number.astype(str) + "-" + routes["origin"],
        local_hour=local.dt.hour,
        scheduled_departure=departure,
        scheduled_arrival=departure + pd.to_timedelta(block, unit="min"),
        block_minutes=block,
    )


def _back(outbound: pd.DataFrame, rng: np.random.Generator, lane: int) -> pd.DataFrame:
    """The return flights of the same aircraft after a turnaround; departures at night are moved to the morning."""
    timezones = outbound["destination"].map(reference.airport_timezones())
    ready = outbound["scheduled_arrival"] + pd.to_timedelta(rng.integers(45, 120, len(outbound)), unit="min")
    local = pd.Series(pd.NaT, index=outbound.index, dtype="datetime64[ns]")
    for timezone, rows in timezones.groupby(timezones).groups.items():
        local[rows] = ready[rows].dt.tz_convert(str(timezone)).dt.tz_localize(None)
    minute = local.dt.hour * 60 + local.dt.minute
    morning = _FIRST_MINUTE + rng.integers(0, 180, len(outbound))
    minute = minute.where(minute >= _FIRST_MINUTE, morning)
    minute = (minute // LANES * LANES + lane + LANES).clip(upper=1440 - LANES + lane)
    local = local.dt.normalize() + pd.to_timedelta(minute, unit="min")
    routes = outbound[["airline", "distance_miles"]].assign(
        origin=outbound["destination"], destination=outbound["origin"]
    )
    back = _fly(routes, local, timezones, rng)
    turn = (back["scheduled_departure"] - outbound["scheduled_arrival"]).dt.total_seconds() / 60
    return back.assign(rotation=outbound["rotation"], turn_minutes=turn)


def _severity(seed: int, flights: pd.DataFrame) -> Floats:
    """Severity of the weather at the origin at the scheduled departure: 0 to about 2."""
    hours = (flights["scheduled_departure"].to_numpy(dtype="datetime64[ns]").astype(np.int64) // 10**9 / 3600).round()
    severity = np.zeros(len(flights))
    for airport, rows in flights.groupby("origin").indices.items():
        severity[rows] = climate.storminess(seed, str(airport), hours[rows])
    return severity


def _departure_delays(flights: pd.DataFrame, severity: Floats, rng: np.random.Generator) -> Floats:
    """Departure delays without knock-on delays, minutes: more and longer late in the day, in summer and in storms."""
    late_in_day = (flights["local_hour"].to_numpy() - 5) / 18
    month = flights["scheduled_departure"].dt.month.to_numpy()
    busy = np.where(np.isin(month, (6, 7, 12)), 1.25, 1.0)
    # Airports differ by a fixed factor that follows from their code.
    codes = flights["origin"].map({code: sum(map(ord, code)) % 7 for code in flights["origin"].unique()}).to_numpy()
    chance = np.clip((0.12 + 0.22 * late_in_day + 0.3 * severity) * busy * (0.85 + 0.05 * codes), 0, 0.95)
    is_late = rng.random(len(flights)) < chance
    late = rng.gamma(0.9, (22 + 25 * late_in_day) * (1 + 0.8 * severity))
    return np.where(is_late, late, rng.normal(-4, 3.5, len(flights)))


def actual_course(flights: pd.DataFrame, traffic: Traffic, seed: int, rng: np.random.Generator) -> pd.DataFrame:
    """Add aircraft, passengers, fares, the outcome of each flight and its delays, including knock-on delays.

    ``end`` is arrived, cancelled or diverted.
    """
    severity = _severity(seed, flights)
    own = _departure_delays(flights, severity, rng)
    in_the_air = rng.normal(-5, 9 + 6 * severity, len(flights))
    draw = rng.random(len(flights))
    cancelled = draw < 0.012 + 0.09 * severity**2
    diverted = ~cancelled & (draw > 1 - 0.002 - 0.006 * severity)
    first_leg = np.isinf(flights["turn_minutes"].to_numpy())
    arrival_of_first = np.clip(own + in_the_air, -60, 700)
    brought = pd.Series(np.where(cancelled, 0, arrival_of_first)[first_leg], index=flights["rotation"][first_leg])
    inbound = flights["rotation"].map(brought).fillna(0).to_numpy()
    slack = flights["turn_minutes"].to_numpy() - _SHORTEST_TURN_MINUTES
    knock_on = np.where(first_leg, 0, np.clip(inbound - slack, 0, None))
    departure = np.round(np.clip(own + knock_on, -25, 900))
    shortest = -0.2 * flights["block_minutes"].to_numpy()
    arrival = departure + np.round(np.maximum(in_the_air, shortest))
    fare = (55 + 0.105 * flights["distance_miles"]) * rng.lognormal(0, 0.28, len(flights))
    tails, seats = _aircraft(flights, traffic, rng)
    load = np.clip(rng.normal(0.82, 0.1, len(flights)), 0.2, 1)
    return flights.assign(
        end=np.select([cancelled, diverted], ["cancelled", "diverted"], "arrived"),
        departure_delay_minutes=np.where(cancelled, np.nan, departure),
        arrival_delay_minutes=np.where(cancelled | diverted, np.nan, arrival),
        tail_number=tails,
        passengers=np.round(seats * load).astype(int),
        ticket_price_usd=fare.round(2),
    )


def _aircraft(flights: pd.DataFrame, traffic: Traffic, rng: np.random.Generator) -> tuple[NDArray[np.object_], Floats]:
    """Registration and seats: one aircraft of the airline per rotation."""
    luck = rng.random(int(flights["rotation"].max()) + 1)[flights["rotation"]]
    tails = np.empty(len(flights), dtype=object)
    seats = np.zeros(len(flights))
    for airline, rows in flights.groupby("airline").indices.items():
        names, sizes = traffic.fleets[str(airline)]
        chosen = (luck[rows] * len(names)).astype(int)
        tails[rows], seats[rows] = names[chosen], sizes[chosen]
    return tails, seats

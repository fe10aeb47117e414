"""Synthetic flights as a stream of records, with given rates of malformed, duplicate, late and displaced records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from events.flight import SCHEMA_VERSION
from generator import climate, schedule
from generator.flights import SCHEDULED_AHEAD
from generator.malformed import KINDS, break_record
from generator.records import BATCH_SIZE, Record, encode
from generator.traffic import Traffic, traffic
from skytier.errors import TerminalError

SOURCE = "synthetic"
LONGEST_LIFE = pd.Timedelta(hours=40)
"""From the start of a flight's day to its last event: the schedule, the longest block and the longest delay."""

_EVENTS_PER_FLIGHT = 2.9
_NEAR = 100
"""Maximum distance, in records, of a near duplicate or an out-of-order record from its regular position."""

_MINUTE = np.timedelta64(1, "m")
_LATE_MINUTES = (60.0, 3 * 1440.0)

Positions = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Shares of all records, 0 to 1. Malformed records and duplicates are added to the unique valid ones."""

    malformed: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    out_of_order: float = 0.0

    def __post_init__(self) -> None:
        given = (self.malformed, self.duplicate, self.late, self.out_of_order)
        valid = 1 - self.malformed - self.duplicate
        if min(given) < 0 or self.duplicate > valid or self.late + self.out_of_order > valid:
            raise TerminalError(
                f"Rates {self}: no rate may be negative, each duplicate needs a valid record, and late and "
                "out-of-order records are taken from the valid ones; choose smaller rates."
            )


@dataclass(frozen=True)
class Plan:
    """Parameters of a synthetic stream; the same plan gives the same bytes."""

    events: int
    seed: int
    start: pd.Timestamp
    rates: Rates
    flights_per_day: float
    latest: pd.Timestamp
    """No event is after this time; if the time is too short, there are more flights per day."""


def _daily_rotations(plan: Plan, world: Traffic, flights: float) -> NDArray[np.float64]:
    """Expected rotations of each day from the start on, by season and weekday, until there are enough."""
    room = (plan.latest - plan.start - LONGEST_LIFE) / pd.Timedelta(days=1)
    if room < 2:
        raise TerminalError(
            f"--start {plan.start.isoformat()} leaves too little time before {plan.latest.isoformat()}: no event may "
            f"be in the future; start at least {LONGEST_LIFE + pd.Timedelta(days=2)} before it."
        )
    per_day = max(plan.flights_per_day, 1.1 * flights / (int(room) - 1))
    days = pd.date_range(plan.start.normalize(), periods=int(np.ceil(3 * flights / per_day)) + 2, freq="D")
    demand = per_day / 2 * world.by_month[days.month - 1] * world.by_weekday[days.weekday]
    # The first day does not count: it may be almost over at the start.
    enough = int(np.searchsorted(np.cumsum(demand[1:]), flights / 2)) + 2
    return np.asarray(demand[:enough], dtype=np.float64)


def _flights(plan: Plan, world: Traffic, events: int) -> pd.DataFrame:
    """Enough flights for the number of events, with their actual times."""
    wanted = events / _EVENTS_PER_FLIGHT * 1.05 + 20
    for surplus in (1.15, 1.6, 2.5):
        rng = np.random.default_rng([plan.seed, 1])
        days = _daily_rotations(plan, world, wanted * surplus)
        flights = schedule.timetable(world, rng, plan.start, days, plan.seed % schedule.LANES)
        if len(flights) >= wanted:
            return schedule.actual_course(flights.head(int(wanted)), world, plan.seed, rng)
    raise TerminalError(
        f"--events {plan.events} from {plan.start.isoformat()}: so many flights do not fit before "
        f"{plan.latest.isoformat()}; start earlier or choose fewer events."
    )


def _lifecycle(flights: pd.DataFrame, events: int) -> pd.DataFrame:
    """The first events in order: row of the flight, type, time. Only the last flight may be incomplete."""
    rows = np.arange(len(flights))
    departure = flights["scheduled_departure"].to_numpy(dtype="datetime64[ns]")
    arrival = flights["scheduled_arrival"].to_numpy(dtype="datetime64[ns]")
    departs = departure + flights["departure_delay_minutes"].to_numpy() * _MINUTE
    arrives = arrival + flights["arrival_delay_minutes"].to_numpy() * _MINUTE
    end = flights["end"].to_numpy()
    parts = [
        pd.DataFrame({"row": rows[chosen], "stage": stage, "event_type": name, "event_time": moment[chosen]})
        for stage, name, chosen, moment in (
            (0, "scheduled", rows >= 0, departure - SCHEDULED_AHEAD.to_timedelta64()),
            (1, "departed", end != "cancelled", departs),
            (2, "cancelled", end == "cancelled", departure),
            (2, "diverted", end == "diverted", arrival),
            (2, "arrived", end == "arrived", arrives),
        )
    ]
    by_flight = pd.concat(parts).sort_values(["row", "stage"], ignore_index=True).head(events)
    return by_flight.sort_values(["event_time", "row", "stage"], ignore_index=True)


def _encoded(flights: pd.DataFrame, events: pd.DataFrame, weather: climate.Observed) -> list[Record]:
    """The records of these events, each with the fields known at that time."""
    frame = flights.iloc[events["row"].to_numpy()].reset_index(drop=True)
    event_type = events["event_type"].reset_index(drop=True)
    departed = event_type.isin(["departed", "arrived", "diverted"])
    departure_delay = frame["departure_delay_minutes"].where(departed)
    arrival_delay = frame["arrival_delay_minutes"].where(event_type == "arrived")
    return encode(
        frame.assign(
            event_id=frame["flight_id"] + ":" + event_type,
            event_type=event_type,
            event_time=events["event_time"].reset_index(drop=True).dt.tz_localize("UTC"),
            departure_delay_minutes=departure_delay,
            arrival_delay_minutes=arrival_delay,
            actual_departure=frame["scheduled_departure"] + pd.to_timedelta(departure_delay, unit="min"),
            actual_arrival=frame["scheduled_arrival"] + pd.to_timedelta(arrival_delay, unit="min"),
            weather=pd.Series(weather.at(frame["origin"].tolist(), events["event_time"].to_numpy()), dtype=object),
            source=SOURCE,
            schema_version=SCHEMA_VERSION,
        )
    )


@dataclass(frozen=True)
class _Order:
    """The order of sending: for each record the event that it is made from, and its kind."""

    event: NDArray[np.int64]
    kind: NDArray[np.object_]


def _order(plan: Plan, event_times: NDArray[np.datetime64]) -> _Order:
    rng = np.random.default_rng([plan.seed, 2])
    valid = len(event_times)
    count = {name: round(plan.events * rate) for name, rate in vars(plan.rates).items()}
    position = np.arange(valid, dtype=np.float64)
    kind = np.full(valid, "valid", dtype=object)
    # A late or displaced record needs newer records that were sent before it: the last position has none.
    moved = rng.permutation(max(valid - 1, 0))[: count["late"] + count["out_of_order"]]
    late, near = moved[: count["late"]], moved[count["late"] :]
    delay = rng.uniform(*_LATE_MINUTES, len(late)) * _MINUTE
    target = np.searchsorted(event_times, event_times[late] + delay, side="right")
    position[late] = np.maximum(np.minimum(target, valid) - 0.5, late + 1.5)
    position[near] = near + rng.integers(1, _NEAR, len(near)) + 0.25
    kind[late], kind[near] = "late", "out_of_order"
    copied = rng.permutation(valid)[: count["duplicate"]]
    far = rng.random(len(copied)) < 0.5
    ahead = np.where(far, rng.random(len(copied)) * (valid - position[copied]), rng.uniform(0, _NEAR, len(copied)))
    broken = np.resize(rng.permutation(valid), count["malformed"])
    kinds = rng.permutation(np.resize(np.array(list(KINDS), dtype=object), count["malformed"]))
    events = np.concatenate([np.arange(valid), copied, broken])
    copies = position[copied] + np.maximum(ahead, 0) + 0.125
    positions = np.concatenate([position, copies, rng.uniform(0, valid, len(broken))])
    all_kinds = np.concatenate([kind, np.full(len(copied), "duplicate", dtype=object), "malformed:" + kinds])
    order = np.argsort(positions, kind="stable")
    return _Order(events[order], all_kinds[order])


def synthetic(plan: Plan) -> Iterator[list[Record]]:
    """All records of the plan in the order of sending, in batches."""
    count = Counter({name: round(plan.events * rate) for name, rate in vars(plan.rates).items()})
    valid = plan.events - count["malformed"] - count["duplicate"]
    if valid < 1:
        return
    flights = _flights(plan, traffic(), valid)
    events = _lifecycle(flights, valid)
    order = _order(plan, events["event_time"].to_numpy())
    weather = climate.Observed(plan.seed)
    for start in range(0, len(order.event), BATCH_SIZE):
        chosen = order.event[start : start + BATCH_SIZE]
        records = _encoded(flights, events.iloc[chosen], weather)
        kinds = order.kind[start : start + BATCH_SIZE].tolist()
        yield [_as_sent(record, kind) for record, kind in zip(records, kinds, strict=True)]


def _as_sent(record: Record, kind: str) -> Record:
    if kind == "valid":
        return record
    family, _, fault = kind.partition(":")
    if family == "malformed":
        return record._replace(value=break_record(record.value, fault), event_type=family, kind=kind)
    return record._replace(kind=kind)

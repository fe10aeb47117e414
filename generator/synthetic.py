"""Synthetic flights as a stream of records, with rates of everything that goes wrong on the way."""

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
from generator.malformed import KINDS, spoil
from generator.records import BATCH_SIZE, Record, encode
from generator.traffic import Traffic, traffic
from skytier.errors import TerminalError

SOURCE = "synthetic"
LONGEST_LIFE = pd.Timedelta(hours=40)
"""From the start of a flight's last day to its last event: its schedule, the longest block and the longest delay."""

_EVENTS_PER_FLIGHT = 2.9
_NEAR = 100
"""Records between a duplicate or a record out of order and its place, at most, where it stays near."""

_MINUTE = np.timedelta64(1, "m")
_LATE_MINUTES = (60.0, 3 * 1440.0)

Positions = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Shares of all records, each from 0 to 1. Malformed and duplicates come on top of the unique valid ones."""

    malformed: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    out_of_order: float = 0.0

    def __post_init__(self) -> None:
        given = (self.malformed, self.duplicate, self.late, self.out_of_order)
        valid = 1 - self.malformed - self.duplicate
        if min(given) < 0 or self.duplicate > valid or self.late + self.out_of_order > valid:
            raise TerminalError(
                f"Rates {self}: none may be negative, there must be a valid record for each duplicate, and late and "
                "out-of-order records are taken from the valid ones; choose smaller rates."
            )


@dataclass(frozen=True)
class Plan:
    """What to make: the same plan gives the same bytes."""

    events: int
    seed: int
    start: pd.Timestamp
    rates: Rates
    flights_per_day: float
    latest: pd.Timestamp
    """No event lies after this moment; flights are packed more densely where the time does not suffice."""


def _daily_rotations(plan: Plan, world: Traffic, flights: float) -> NDArray[np.float64]:
    """Rotations on each day from the start on, until there are enough; season and weekday show."""
    room = (plan.latest - plan.start - LONGEST_LIFE) / pd.Timedelta(days=1)
    if room < 2:
        raise TerminalError(
            f"--start {plan.start.isoformat()} leaves no room before {plan.latest.isoformat()}: events may not lie in "
            f"the future, and flights take their time; start {LONGEST_LIFE + pd.Timedelta(days=2)} earlier or more."
        )
    per_day = max(plan.flights_per_day, 1.1 * flights / (int(room) - 1))
    days = pd.date_range(plan.start.normalize(), periods=int(np.ceil(3 * flights / per_day)) + 2, freq="D")
    demand = per_day / 2 * world.by_month[days.month - 1] * world.by_weekday[days.weekday]
    # The first day counts for nothing: it may be all but over when the flights begin.
    enough = int(np.searchsorted(np.cumsum(demand[1:]), flights / 2)) + 2
    return np.asarray(demand[:enough], dtype=np.float64)


def _flights(plan: Plan, world: Traffic, events: int) -> pd.DataFrame:
    """Enough flights for so many events, with how they went."""
    wanted = events / _EVENTS_PER_FLIGHT * 1.05 + 20
    for surplus in (1.15, 1.6, 2.5):
        rng = np.random.default_rng([plan.seed, 1])
        days = _daily_rotations(plan, world, wanted * surplus)
        flights = schedule.timetable(world, rng, plan.start, days, plan.seed % schedule.LANES)
        if len(flights) >= wanted:
            return schedule.actual_course(flights.head(int(wanted)), world, plan.seed, rng)
    raise TerminalError(
        f"--events {plan.events} from {plan.start.isoformat()} on: that many flights do not fit before "
        f"{plan.latest.isoformat()}; start earlier or ask for fewer events."
    )


def _lifecycle(flights: pd.DataFrame, events: int) -> pd.DataFrame:
    """So many events in order: the row of the flight, the type, the moment. Only the last flight may be cut short."""
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
    """The records of these events, each with what was known at its moment only."""
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
    """What is sent in which order: for each record the event it comes from and its kind."""

    event: NDArray[np.int64]
    kind: NDArray[np.object_]


def _order(plan: Plan, event_times: NDArray[np.datetime64]) -> _Order:
    rng = np.random.default_rng([plan.seed, 2])
    valid = len(event_times)
    count = {name: round(plan.events * rate) for name, rate in vars(plan.rates).items()}
    position = np.arange(valid, dtype=np.float64)
    kind = np.full(valid, "valid", dtype=object)
    # A late or displaced record needs newer ones that were sent before it: the last place has none.
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
    spoiled = np.resize(rng.permutation(valid), count["malformed"])
    kinds = rng.permutation(np.resize(np.array(list(KINDS), dtype=object), count["malformed"]))
    events = np.concatenate([np.arange(valid), copied, spoiled])
    copies = position[copied] + np.maximum(ahead, 0) + 0.125
    positions = np.concatenate([position, copies, rng.uniform(0, valid, len(spoiled))])
    all_kinds = np.concatenate([kind, np.full(len(copied), "duplicate", dtype=object), "malformed:" + kinds])
    order = np.argsort(positions, kind="stable")
    return _Order(events[order], all_kinds[order])


def synthetic(plan: Plan) -> Iterator[list[Record]]:
    """All records of the plan, in the order in which they are sent, in batches."""
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
        return record._replace(value=spoil(record.value, fault), event_type=family, kind=kind)
    return record._replace(kind=kind)

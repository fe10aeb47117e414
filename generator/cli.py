"""``skytier replay`` and ``skytier synthesize``: publish flight events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import orjson
import pandas as pd
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from generator import flights
from generator.pacing import paced
from generator.position import PositionFile
from generator.publisher import Publisher, Report, Told, moment_text
from generator.synthetic import Plan, Rates, synthetic
from skytier import hot_tier, logs, terminal
from skytier.errors import SkytierError
from skytier.progress_bar import Shown, progress_bar
from skytier.settings.kafka import KafkaSettings
from skytier.stopping import stop_on_signals

EMPTY_WAREHOUSE_START = pd.Timedelta(days=30)


def replay(
    *,
    from_: Annotated[date, Parameter(name="--from")] = flights.FIRST_DAY,
    to: date = flights.LAST_DAY,
    speed: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    resume: bool = False,
    stay: Annotated[bool, Parameter(negative="")] = False,
    topic: str | None = None,
    json: bool = False,
) -> None:
    """Publish the real flights of 2013 from New York as events, in the order in which they happened.

    SIGTERM or Ctrl-C end it cleanly: what was sent is acknowledged, the position is saved.

    Parameters
    ----------
    from_
        First day of flights: the local date of the scheduled departure. An event may lie just outside the days:
        'scheduled' comes two hours before the departure, an arrival may come after midnight.
    to
        Last day of flights, included.
    speed
        Flight minutes a minute: each event leaves when its time has come. Without it everything leaves at once.
    resume
        Go on after the last acknowledged event of the same days, at the same speed; from the start if there is none.
        What was sent but not saved before a crash is sent again; the warehouse stores it once.
    stay
        When all is published, wait for SIGTERM instead of ending: for a feed that is watched over.
    topic
        Kafka topic instead of SKYTIER_KAFKA_TOPIC.
    json
        Print the report as JSON.
    """
    flights.check_days(from_, to)
    kafka = KafkaSettings()
    topic = topic or kafka.topic
    position = PositionFile(topic, from_, to)
    last = position.read() if resume else None
    publisher = Publisher(topic, kafka)
    if not resume:
        position.forget()
    after = None if last is None else (pd.Timestamp(last.event_time), last.event_id)
    records = flights.replay(from_, to, after)
    begin, end = (pd.Timestamp(day, tz=flights.ORIGIN_TIMEZONE).timestamp() for day in (from_, to + timedelta(days=1)))
    with stop_on_signals() as stop, progress_bar("publishing", json) as shown:
        told = shown and _shown(shown, lambda report: ((report.last_event_time or begin) - begin) / (end - begin))
        report = publisher.publish(paced(records, speed, stop) if speed else records, stop, position.save, told)
        if stay:
            stop.wait()
    _show({"from": str(from_), "to": str(to), "resumed_after": last and last.event_id, **report.as_dict()}, json)


Rate = Annotated[float, Parameter(validator=Number(gte=0, lte=1))]


def synthesize(
    *,
    events: Annotated[int, Parameter(validator=Number(gte=1))] = 10_000,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    start: datetime | None = None,
    malformed_rate: Rate = 0.0,
    duplicate_rate: Rate = 0.0,
    late_rate: Rate = 0.0,
    out_of_order_rate: Rate = 0.0,
    flights_per_day: Annotated[float, Parameter(validator=Number(gt=0))] = 2000.0,
    topic: str | None = None,
    json: bool = False,
) -> None:
    """Publish invented flights over the real routes, with known shares of bad records.

    The same events, seed, start and rates give the same bytes. SIGTERM or Ctrl-C end it cleanly.

    Parameters
    ----------
    events
        Records to send in all, with the malformed ones and the duplicates.
    seed
        Seed of everything drawn. Runs with five seeds in a row and the same start share no flight.
    start
        First moment, ISO 8601 (UTC unless it says otherwise). Without it the warehouse's clock (the newest event_time
        in MongoDB), so that the flights go on where it stands; in an empty warehouse, 30 days ago.
    malformed_rate
        Share of the records that break a rule of the contract, each certain to be rejected; all kinds in equal parts.
    duplicate_rate
        Share of the records that repeat an earlier valid one byte for byte, soon after it or much later.
    late_rate
        Share of the records sent after others that happened up to three days later. They are valid.
    out_of_order_rate
        Share of the records sent some places too late. They are valid.
    flights_per_day
        Flights of a mean day; more where they would otherwise reach into the future.
    topic
        Kafka topic instead of SKYTIER_KAFKA_TOPIC.
    json
        Print the report as JSON.
    """
    kafka = KafkaSettings()
    topic = topic or kafka.topic
    rates = Rates(malformed_rate, duplicate_rate, late_rate, out_of_order_rate)
    now = pd.Timestamp.now("UTC").floor("s")
    plan = Plan(events, seed, _start(start, now), rates, flights_per_day, latest=now)
    publisher = Publisher(topic, kafka)
    with stop_on_signals() as stop, progress_bar("publishing", json) as shown:
        told = shown and _shown(shown, lambda report: report.sent / events)
        report = publisher.publish(synthetic(plan), stop, told=told)
    kinds = report.by_kind
    malformed = {
        kind.partition(":")[2]: count for kind, count in sorted(kinds.items()) if kind.startswith("malformed:")
    }
    counts = {
        "valid_unique": kinds["valid"] + kinds["late"] + kinds["out_of_order"],
        "malformed": sum(malformed.values()),
        "malformed_by_kind": malformed,
        "duplicates": kinds["duplicate"],
        "late": kinds["late"],
        "out_of_order": kinds["out_of_order"],
    }
    _show({"seed": seed, "start": plan.start.isoformat(), **report.as_dict(), **counts}, json)


def _shown(shown: Shown, share: Callable[[Report], float]) -> Told:
    """What shows a report under way in a progress bar."""

    def told(report: Report, seconds: float) -> None:
        rate = f"{report.sent / seconds:,.0f} a second" if seconds else ""
        shown(min(1.0, max(0.0, share(report))), f"{report.sent:,} sent, {rate}, {moment_text(report.last_event_time)}")

    return told


def _start(asked: datetime | None, now: pd.Timestamp) -> pd.Timestamp:
    """When the synthetic flights begin: as asked, else at the warehouse's clock, else some weeks ago."""
    if asked is not None:
        moment = pd.Timestamp(asked)
        return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return _warehouse_clock() or now - EMPTY_WAREHOUSE_START


def _warehouse_clock() -> pd.Timestamp | None:
    """The newest event_time of the hot tier; None where it is empty, does not answer or is not set up."""
    try:
        with hot_tier.client() as connection:
            clock = hot_tier.clock(connection)
    except SkytierError as error:
        logs.logger("synthesize").warning("the warehouse's clock is not known", reason=str(error))
        return None
    return None if clock is None else pd.Timestamp(clock).floor("s")


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(terminal.visible_json(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()))
        return
    table = Table(show_header=False, box=None)
    for name, value in report.items():
        terminal.add_row(table, name.replace("_", " "), _cell(value))
    terminal.print_table(table)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(number)}" for name, number in value.items()) or "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value is None else str(value)

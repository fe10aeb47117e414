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

from generator import feed_start, flights
from generator.pacing import paced
from generator.position import PositionFile, positions
from generator.publisher import OnProgress, Publisher, Report, moment_text
from generator.synthetic import Plan, Rates, synthetic
from skytier import hot_tier, logs, terminal
from skytier.errors import SkytierError
from skytier.progress_bar import Shown, progress_bar
from skytier.settings.base import home
from skytier.settings.kafka import KafkaSettings
from skytier.shutdown import stop_on_signals

EMPTY_WAREHOUSE_START = pd.Timedelta(days=30)


def replay(
    *,
    from_: Annotated[date, Parameter(name="--from")] = flights.FIRST_DAY,
    to: date = flights.LAST_DAY,
    speed: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    resume: bool = False,
    after_newest: Annotated[bool, Parameter(negative="")] = False,
    stay: Annotated[bool, Parameter(negative="")] = False,
    topic: str | None = None,
    json: bool = False,
) -> None:
    """Publish the real flights of 2013 from New York as events, in the order of their event time.

    SIGTERM and Ctrl-C stop the replay cleanly: it waits until all sent events are acknowledged and saves the position.

    Parameters
    ----------
    from_
        First day of flights: the local date of the scheduled departure. Some events are outside the days: 'scheduled'
        is two hours before the departure, an arrival may be after midnight.
    to
        Last day of flights, inclusive.
    speed
        Flight minutes per minute: each event is published when its time has come. By default all events are published
        at once.
    resume
        Resume after the last acknowledged event of the same days and topic; start from the beginning if there is none.
        Events that were sent after the position was last saved are sent again; the warehouse stores them once.
    after_newest
        With --resume, for a feed: where the warehouse is more than a day ahead of the position, begin with the day
        after the newest stored flight date instead of publishing what is stored already.
    stay
        Wait for SIGTERM after the last event instead of exiting: for a supervised feed.
    topic
        Kafka topic instead of SKYTIER_KAFKA_TOPIC.
    json
        Print the report as JSON.
    """
    flights.check_days(from_, to)
    kafka = KafkaSettings()
    topic = topic or kafka.topic
    begin_with = _first_day(from_, to, topic) if resume and after_newest else from_
    if begin_with is None:
        _wait_for_nothing(to, stay)
        return
    from_ = begin_with
    position = PositionFile(home() / "replay", topic, from_, to)
    last = position.read() if resume else None
    publisher = Publisher(topic, kafka)
    if not resume:
        position.delete()
    after = None if last is None else (pd.Timestamp(last.event_time), last.event_id)
    records = flights.replay(from_, to, after)
    begin, end = (pd.Timestamp(day, tz=flights.ORIGIN_TIMEZONE).timestamp() for day in (from_, to + timedelta(days=1)))
    with stop_on_signals() as stop, progress_bar("publishing", json) as shown:
        on_progress = shown and _shown(shown, lambda sent: ((sent.last_event_time or begin) - begin) / (end - begin))
        report = publisher.publish(paced(records, speed, stop) if speed else records, stop, position.save, on_progress)
        if stay:
            stop.wait()
    _show({"from": str(from_), "to": str(to), "resumed_after": last and last.event_id, **report.as_dict()}, json)


def _first_day(wanted: date, to: date, topic: str) -> date | None:
    """The first day of a feed; where the hot tier does not answer, as if nothing was stored."""
    try:
        newest = feed_start.newest_stored()
    except SkytierError as error:
        logs.logger("replay").warning("cannot read the newest flight date", reason=str(error))
        newest = None
    return feed_start.first_day(wanted, positions(home() / "replay", topic, to), newest)


def _wait_for_nothing(to: date, stay: bool) -> None:
    logs.logger("replay").info("nothing to publish: every day is stored", to=str(to))
    if stay:
        with stop_on_signals() as stop:
            stop.wait()


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
    """Publish synthetic flights over the real routes, with known shares of faulty records.

    The same events, seed, start and rates give the same bytes. SIGTERM and Ctrl-C stop the command cleanly.

    Parameters
    ----------
    events
        Total number of records, including malformed ones and duplicates.
    seed
        Seed of all random numbers. Runs with five consecutive seeds and the same start share no flight.
    start
        Start time, ISO 8601 (UTC without an offset). By default the warehouse's clock (the newest event_time in
        MongoDB), so that the flights follow the stored ones; for an empty warehouse, 30 days ago.
    malformed_rate
        Share of records that break a rule of the event contract and are rejected; all kinds have equal shares.
    duplicate_rate
        Share of records that repeat an earlier valid record byte for byte, soon after it or much later.
    late_rate
        Share of records sent after records with an event time up to three days later. They are valid.
    out_of_order_rate
        Share of records sent some positions too late. They are valid.
    flights_per_day
        Mean number of flights per day; it is raised if the events would otherwise reach into the future.
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
        on_progress = shown and _shown(shown, lambda sent: sent.sent / events)
        report = publisher.publish(synthetic(plan), stop, on_progress=on_progress)
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


def _shown(shown: Shown, share: Callable[[Report], float]) -> OnProgress:
    """A callback that shows an intermediate report in a progress bar."""

    def on_progress(report: Report, seconds: float) -> None:
        rate = f"{report.sent / seconds:,.0f} a second" if seconds else ""
        shown(min(1.0, max(0.0, share(report))), f"{report.sent:,} sent, {rate}, {moment_text(report.last_event_time)}")

    return on_progress


def _start(given: datetime | None, now: pd.Timestamp) -> pd.Timestamp:
    """The start of the synthetic flights: as given, else the warehouse's clock, else some weeks ago."""
    if given is not None:
        moment = pd.Timestamp(given)
        return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    return _warehouse_clock() or now - EMPTY_WAREHOUSE_START


def _warehouse_clock() -> pd.Timestamp | None:
    """The newest event_time of the hot tier; None if it is empty, does not answer or is not set up."""
    try:
        with hot_tier.client() as connection:
            clock = hot_tier.clock(connection)
    except SkytierError as error:
        logs.logger("synthesize").warning("cannot read the warehouse's clock", reason=str(error))
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

"""``skytier replay`` and ``skytier synthesize``: publish flight events."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import orjson
import pandas as pd
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.table import Table

from generator import flights
from generator.pacing import paced
from generator.position import PositionFile
from generator.publisher import Publisher
from generator.stopping import stop_on_signals
from skytier.settings import KafkaSettings


def replay(
    *,
    from_: Annotated[date, Parameter(name="--from")] = flights.FIRST_DAY,
    to: date = flights.LAST_DAY,
    speed: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    resume: bool = False,
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
    with stop_on_signals() as stop:
        report = publisher.publish(paced(records, speed, stop) if speed else records, stop, position.save)
    _show({"from": str(from_), "to": str(to), "resumed_after": last and last.event_id, **report.as_dict()}, json)


def _show(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table(show_header=False, box=None)
    for name, value in report.items():
        table.add_row(name.replace("_", " "), _cell(value))
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(number)}" for name, number in value.items()) or "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value is None else str(value)

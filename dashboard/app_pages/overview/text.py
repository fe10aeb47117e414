"""The texts of Real-Time Overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

RECORDS_A_MINUTE, COMMITTED = "Records", "Committed (UTC), by minute"
RECORDS_HOVER = "%{y:,} records"
OUTCOMES = {"stored": "Stored", "duplicates": "Duplicates", "rejected": "Rejected"}
INCOMING, INCOMING_RATE, NEWEST_RECORD = "Kafka", "Incoming per min", "{} ago"
INCOMING_HELP = (
    "Records that Kafka got in the last minute, by its own clock, including duplicates and malformed ones. "
    "Below: how long ago the newest one came."
)
NEVER = "no record yet"
NO_BATCHES = "No batch yet. Airflow runs the minute job every minute."
AIR, HOT, STORED = "Flights now", "Hot tier", "Minute job"
IN_THE_AIR, DELAYED_NOW = "In the air", "Departed late"
IN_THE_AIR_HELP = (
    "Flights that have departed and not landed, as of the warehouse clock (the newest event time). Change: last hour."
)
UNCHANGED = "unchanged in an hour"
DELAYED_HELP = "Flights in the air that departed at least 15 minutes late. Change: last hour."
HOT_RECORDS, HOT_SIZE = "Events", "Size"
HOT_SIZE_HELP = "Documents and indexes. Above the limit, the oldest events move to the archive."
OF_LIMIT = "{} of {}"
RECORDS, LATENCY = "Events stored", "Latency"
LATENCY_HELP = "Time from Kafka to both the hot and the cold tier: the maximum over the events of the newest batch."
ROUTES, INGESTION, LATEST = "In the air now", "Ingestion rate", "Latest events"
ROUTES_SAYS = "Flights in the air: {flights}, on {routes} routes. Departed at least 15 minutes late: {late}."
INGESTION_HEADLINE, ROUTES_HEADLINE = "{stored} stored in the last hour", "{flights} in the air, {late} departed late"
NONE_ALOFT = "No flight is in the air at {} UTC, the warehouse clock (the newest event time of the hot tier)."
INGESTION_SAYS = (
    "{consumed} records consumed in the last hour: {stored} stored, {duplicates} duplicates, {rejected} rejected; "
    "maximum {peak} at {at} UTC. The filters do not apply to batches."
)
INGESTION_NONE = "No record was consumed in the last hour. The filters do not apply to batches."
ONLY_DUPLICATES = (
    "The newest {batches} batches consumed {duplicates} records, all of events that are stored already. The "
    "warehouse clock advances once a source publishes newer events."
)
NOTHING_ARRIVES = "No record has arrived in Kafka since {:%Y-%m-%d %H:%M} UTC: no source is publishing."
DELAY_BAR = "Mean departure delay (min)"
AIRPORT_HOVER = "{code}: {flights} flights inbound, mean departure delay {delay}"


_FEW_BATCHES, QUIET = 3, timedelta(minutes=3)


def idle(batches: Sequence[Mapping[str, Any]], newest_record: datetime | None, now: datetime) -> str | None:
    """Why nothing flies, where the newest batches, newest first, stored nothing; None where they did."""
    if newest_record is not None and now - newest_record > QUIET:
        return NOTHING_ARRIVES.format(newest_record)
    with_records = [batch for batch in batches if batch["consumed"]]
    known = 0
    while known < len(with_records) and with_records[known]["duplicates"] == with_records[known]["consumed"]:
        known += 1
    if known < _FEW_BATCHES:
        return None
    duplicates = sum(batch["duplicates"] for batch in with_records[:known])
    return ONLY_DUPLICATES.format(batches=known, duplicates=f"{duplicates:,}")

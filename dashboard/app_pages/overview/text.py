"""The texts of Real-Time Overview."""

from __future__ import annotations

EVENTS_A_MINUTE = "Events per minute"
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
NONE_ALOFT = "No flight is in the air at {} UTC, the warehouse clock (the newest event time of the hot tier)."
INGESTION_SAYS = "{last} events in the last full minute, {total} in the last hour; maximum {peak} at {at} UTC."
DELAY_BAR = "Mean departure delay (min)"
AIRPORT_HOVER = "{code}: {flights} flights inbound, mean departure delay {delay}"

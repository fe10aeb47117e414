"""Real-Time Overview."""

from __future__ import annotations

EVENTS_A_MINUTE = "Events a minute"
AIR, HOT, STORED = "Flights now", "Hot tier", "Minute runs"
IN_THE_AIR, DELAYED_NOW = "In the air", "Of these delayed"
IN_THE_AIR_HELP = (
    "Flights that have departed and not landed, at the warehouse's clock: its newest event. Change: an hour."
)
UNCHANGED = "as an hour ago"
DELAYED_HELP = "Flights in the air that left 15 minutes late or more. Change: an hour."
HOT_RECORDS, HOT_SIZE = "Events", "Size"
HOT_SIZE_HELP = "Documents and indexes. Above the limit the oldest events move to the archive."
OF_LIMIT = "{} of {}"
RECORDS, LATENCY = "Events stored", "Latency"
LATENCY_HELP = "From Kafka until both tiers had it, for the event of the last batch that waited longest."
ROUTES, INGESTION, LATEST = "In the air now", "Ingestion rate", "Latest events"
ROUTES_SAYS = "Flights in the air: {flights}, on {routes} routes. Of these left 15 minutes late or more: {late}."
NONE_ALOFT = "No flight is in the air at {} UTC, the warehouse's clock: the newest event of the hot tier."
INGESTION_SAYS = "{last} events in the last full minute, {total} in the last hour; the most were {peak}, at {at} UTC."
DELAY_BAR = "Mean departure delay (min)"
AIRPORT_HOVER = "{code}: flights on their way {flights}, departed {delay} on average"

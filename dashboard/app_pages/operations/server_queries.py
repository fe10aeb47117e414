"""The health of each server."""

from __future__ import annotations

import pyarrow as pa

from dashboard.panels import tiers
from skytier import server_probes
from skytier.cache import Query


def servers() -> Query:
    """A row for each server.

    ``server`` (its name in the local stack), ``state``, ``latency_ms`` (connection and response; null without a
    response), ``heartbeat_seconds`` (since the last heartbeat, for servers that send one), ``reason`` (why it is not
    healthy).
    """
    return tiers.live_query(_servers)


def _servers() -> pa.Table:
    rows = [
        {
            "server": name,
            "state": str(health.state),
            "latency_ms": health.latency_ms,
            "heartbeat_seconds": health.heartbeat_seconds,
            "reason": health.reason,
        }
        for name, health in server_probes.probe_all().items()
    ]
    columns = {"server": pa.string(), "state": pa.string(), "latency_ms": pa.float64()}
    schema = pa.schema((columns | {"heartbeat_seconds": pa.float64(), "reason": pa.string()}).items())
    return pa.Table.from_pylist(rows, schema)

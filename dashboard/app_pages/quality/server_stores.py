"""The stores whose servers are queried directly: the hot tier, and the topic in Kafka."""

from __future__ import annotations

from datetime import UTC, datetime

from pymongo import DESCENDING

from dashboard.panels import tiers
from skytier import hot_tier
from skytier.archive import hot as archive_hot
from skytier.archive.planning import MB
from skytier.errors import SkytierError
from skytier.hot_tier import Document
from skytier.topic_state import topic_state


def hot() -> Document:
    """The hot tier; without values where MongoDB does not answer, so that the other stores are still shown."""
    try:
        with hot_tier.answering():
            connection = tiers.mongodb()
            size = archive_hot.size(hot_tier.events(connection))
            documents = hot_tier.events(connection).estimated_document_count()
            newest = hot_tier.events(connection).find_one(
                {}, {"ingestion_timestamp": 1}, sort=[("ingestion_timestamp", DESCENDING)]
            )
    except SkytierError:
        return {"store": "hot"}
    ingested = newest["ingestion_timestamp"] if newest else None
    return {"store": "hot", "records": documents, "newest": ingested, "size_mb": size.total_bytes / MB}


def kafka() -> Document:
    """The topic as Kafka has it; without values where it does not answer."""
    try:
        state = topic_state(datetime.now(UTC))
    except SkytierError:
        return {"store": "kafka"}
    return {"store": "kafka", "records": state.kept, "newest": state.newest}

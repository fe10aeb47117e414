"""The table ``flight_dw.model_versions``: the published versions of the delay model, for SQL.

The registry is the source of truth. The table copies fields of its cards; each publication adds all missing versions.
"""

from __future__ import annotations

import json
from typing import Any

from models.card import Card
from models.registry import Registry
from skytier import logs
from skytier.sql import Connection
from skytier.warehouse import literal, upsert

_ROWS = """
SELECT inline(from_json({rows},
  'array<struct<model_version: string, trained_at: timestamp, trained_on: string, samples: bigint, train_from: date,
    train_to: date, test_from: date, test_to: date, mae_before_departure_minutes: double,
    mae_after_departure_minutes: double>>'))
"""

log = logs.logger("models")


def record(registry: Registry) -> list[str]:
    """Add the versions of the registry that the table lacks, and return their names.

    Raises SqlError if the SQL endpoint refuses a statement, TransientError if it or HDFS does not answer.
    """
    with Connection() as connection:
        known = {version for (version,) in connection.query("SELECT model_version FROM flight_dw.model_versions").rows}
        lacking = [card for card in registry.versions() if card["version"] not in known]
        if lacking:
            rows = _ROWS.format(rows=literal(json.dumps([_row(card) for card in lacking])))
            # By key: two processes that record at once conflict, and no version is stored twice.
            upsert(connection, "model_versions", "model_version", rows)
    versions = [card["version"] for card in lacking]
    log.info("versions recorded", versions=versions)
    return versions


def _row(card: Card) -> dict[str, Any]:
    split, metrics = card["split"], card["metrics"]
    return {
        "model_version": card["version"],
        "trained_at": card["trained_at"],
        "trained_on": card["data"]["source"],
        "samples": card["data"]["rows"],
        "train_from": split["train"][0],
        "train_to": split["tune"][1],
        "test_from": split["test"][0],
        "test_to": split["test"][1],
        **{f"mae_{stage}_minutes": metrics[stage]["mae"] for stage in ("before_departure", "after_departure")},
    }

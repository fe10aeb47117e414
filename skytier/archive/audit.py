"""The audit log of archives: who did what, and when. Rows are only ever added."""

from __future__ import annotations

import getpass
import json
import socket
from datetime import UTC, datetime
from typing import Any

from skytier import logs
from skytier.sql import Connection
from skytier.warehouse import insert

log = logs.logger("archive")


def actor() -> str:
    """The user of this process and the machine it runs on."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def note(connection: Connection, table: str, action: str, archive_id: str | None, **details: Any) -> None:
    """Add a row to the audit table, and log the same."""
    row = (datetime.now(UTC), actor(), action, archive_id, json.dumps(details, default=str))
    insert(connection, table, [row])
    log.info("audit", action=action, archive_id=archive_id, **details)

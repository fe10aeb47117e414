"""How each server of the stack is, as it says itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from local_stack import processes
from local_stack.server import Server, told, yes


@dataclass(frozen=True)
class Health:
    """What is known of one server."""

    name: str
    state: Literal["ready", "not ready", "dead", "stopped"]
    """``dead``: it was started and ended by itself; ``not ready``: it runs and does not answer."""
    address: str
    log: str
    pid: int | None
    last_log_line_at: datetime | None
    """when it last wrote to its log; of a dead server about the time of its end"""
    memory_mb: float
    """resident memory of it and its descendants"""
    reason: str | None = None
    """why it runs and is not ready, where it says so"""


def status(servers: Sequence[Server]) -> list[Health]:
    """Look at every server, all at once."""
    with ThreadPoolExecutor(len(servers)) as pool:
        return list(pool.map(_health, servers))


def older_than(folder: Path, servers: Sequence[Server]) -> list[str]:
    """The running servers that were started before a file of a folder of code was last written, as by an update.

    They keep what they were started with: an ``up`` starts again only what does not answer.
    """
    written_at = max(path.stat().st_mtime for path in folder.rglob("*") if path.suffix in (".py", ".java"))
    running = {server.name: processes.find(server.name) for server in servers}
    return [name for name, process in running.items() if process and process.create_time() < written_at]


def _health(server: Server) -> Health:
    process = processes.find(server.name)
    state: Literal["ready", "not ready", "dead", "stopped"]
    if process is None:
        state = "dead" if processes.was_started(server.name) else "stopped"
    else:
        state = "ready" if yes(server.ready) else "not ready"
    return Health(
        name=server.name,
        state=state,
        address=server.address(),
        log=str(processes.log_file(server.name)),
        pid=process.pid if process else None,
        last_log_line_at=processes.last_sign(server.name),
        memory_mb=processes.memory_mb(process) if process else 0.0,
        reason=told(server.trouble) if state == "not ready" else None,
    )

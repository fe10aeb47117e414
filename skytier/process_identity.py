"""Which process of which machine: what tells one from all others, also from a later one of its pid."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_PROC = Path("/proc")
_STATE, _STARTED_AT = 0, 19  # of the kernel's fields behind the name of the program, which may hold anything
_ENDED = ("Z", "X")


class ProcessIdentity(BaseModel):
    """A process: host and pid for people; boot, pid namespace and start in ticks tell it from others.

    The last three are empty where the system does not have them.
    """

    model_config = ConfigDict(frozen=True)

    host: str
    pid: int
    boot: str = ""
    namespace: str = ""
    start: str = ""

    def has_ended(self) -> bool:
        """Whether it is known to have ended: it was a process of this machine, and of what this process sees of it."""
        here = own_identity()
        if not self.start or (self.boot, self.namespace) != (here.boot, here.namespace):
            return False
        return _start(self.pid) != self.start and not _is_of_another_user(self.pid)


def own_identity() -> ProcessIdentity:
    """This process."""
    pid = os.getpid()
    return ProcessIdentity(
        host=socket.gethostname(), pid=pid, boot=_boot(), namespace=_namespace(), start=_start(pid) or ""
    )


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return (_PROC / "self/ns/pid").readlink().name
    except OSError:
        return ""


def _is_of_another_user(pid: int) -> bool:
    """Whether there is a process that this one may not look at."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        pass
    return False


def _start(pid: int) -> str | None:
    """When a process started, in ticks since the boot; None for one that is not there, or has ended and is a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[_STATE] in _ENDED else fields[_STARTED_AT]

"""A place where a fault test ends the process, so that every gap between two writes can be hit on purpose."""

from __future__ import annotations

import os
import signal

VARIABLE = "SKYTIER_FAULT_KILL_AT"


def point(name: str) -> None:
    """End this process and the JVM it belongs to with SIGKILL when ``SKYTIER_FAULT_KILL_AT`` names this point."""
    if os.environ.get(VARIABLE) == name:
        parent = os.getppid()  # spark-submit's JVM
        if parent > 1:
            os.kill(parent, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

"""What a new stack needs once its servers are ready, and before Airflow starts tasks.

Every step looks first whether its work is done already: all of them run at every ``up``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from local_stack.progress import Progress

# What to do, in this order, each with the name that ``up`` shows.
STEPS: tuple[tuple[str, Callable[[], object]], ...] = ()


def run(progress: Progress) -> None:
    """Take all steps; the first error ends them."""
    for name, step in STEPS:
        began = time.monotonic()
        progress.begin(name)
        step()
        progress.done(name, "done", time.monotonic() - began, "")

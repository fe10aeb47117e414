"""Live replay: each record is published when its event_time is due on a clock that runs at a given speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import groupby

from generator.records import Record

_TICK_SECONDS = 0.5


def paced(batches: Iterable[list[Record]], speed: float, stop: threading.Event) -> Iterator[list[Record]]:
    """The records when they are due; an empty list from time to time while none is due.

    ``speed`` is flight minutes per wall-clock minute. The clock starts at the first record, so a resumed replay
    continues at the same speed instead of catching up. The iterator ends early once ``stop`` is set.
    """
    began = time.monotonic()
    first_event_time: int | None = None
    for batch in batches:
        for event_time, records in groupby(batch, key=lambda record: record.event_time):
            first_event_time = event_time if first_event_time is None else first_event_time
            due = began + (event_time - first_event_time) / speed
            while (left := due - time.monotonic()) > 0 and not stop.is_set():
                yield []
                stop.wait(min(left, _TICK_SECONDS))
            if stop.is_set():
                return
            yield list(records)

"""The steps of a batch: timed, logged, and named in the error where one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from skytier import faults, logs
from skytier.spark_failures import StepError

log = logs.logger("batch_writer")


@dataclass
class Steps:
    """Times the steps of a batch and logs each one, unless it is a trial. ``require`` raises when none may be taken."""

    pipeline: str
    batch_id: int
    require: Callable[[], None]
    is_trial: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; a fault test can end the process right before and right after it, and once it may be taken.

        Raises StepError for whatever the step raises.
        """
        faults.point(f"before:{name}")
        start = time.monotonic()
        try:
            self.require()
            faults.point(f"in:{name}")
            yield
        except Exception as error:
            raise StepError(self.batch_id, name, error) from error
        self.seconds[name] = round(time.monotonic() - start, 3)
        if not self.is_trial:
            log.info("step done", pipeline=self.pipeline, batch_id=self.batch_id, step=name, seconds=self.seconds[name])
        faults.point(f"after:{name}")

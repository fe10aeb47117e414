"""The minute job again and again in one driver: ``python -m tests.minute_driver``.

A line on standard input, the run's settings as JSON, asks for a run; its answer is one too: null, or what failed.
Standard error has the log.
Most tests need what a run does and not the start of its JVM, which takes three quarters of its processor time.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

from skytier import spark
from spark_jobs import process_flight_events


def main() -> None:
    """Answer until standard input ends."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # the JVM writes there too
        os.environ.update(spark.job_variables())
        os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {spark.job_properties_file()} pyspark-shell"
        as_started = dict(os.environ)
        for line in sys.stdin:
            failure = None
            os.environ.clear()
            os.environ.update(as_started | json.loads(line))
            try:
                process_flight_events.main()
            except Exception:  # told to who asked
                failure = traceback.format_exc()
            print(json.dumps(failure), file=answers, flush=True)


if __name__ == "__main__":
    main()

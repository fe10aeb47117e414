"""The minute job: every new flight event through both tiers.

Run by Airflow every minute and by ``skytier process``.
"""

from __future__ import annotations

from events.pipelines import flights
from skytier import spark_failures
from spark_jobs import runner
from spark_jobs.flights.transforms import TRANSFORMS


def main() -> None:
    """Drain the topic of flight events."""
    runner.run(flights(), TRANSFORMS)


if __name__ == "__main__":
    spark_failures.run("process_flight_events", main)

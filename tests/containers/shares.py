"""Run on the worker of Airflow's tasks: run the minute job, and say how much of its tasks ran on which host.

TEST_MASTER names another Spark master than that of the settings.

The figures are those of the executors: run time, processor time and records read of each task, as Spark's event log
has them.
"""

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path

from skytier import spark
from skytier.process_cli import JOB
from skytier.settings.base import scratch_folder

with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
    properties = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": Path(folder).as_uri(),
    }
    if master := os.environ.get("TEST_MASTER"):
        properties["spark.master"] = master
    began = time.monotonic()
    with redirect_stdout(sys.stderr):
        spark.submit(JOB, properties=properties)
    seconds = time.monotonic() - began
    logs = [path for path in Path(folder).iterdir() if not path.name.endswith(".crc")]
    events = [json.loads(line) for log in logs for line in log.read_text().splitlines()]

hosts: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
for event in events:
    if event["Event"] == "SparkListenerTaskEnd":
        host, metrics = hosts[event["Task Info"]["Host"]], event.get("Task Metrics") or {}
        host["tasks"] += 1
        host["run_seconds"] += metrics.get("Executor Run Time", 0) / 1e3
        host["processor_seconds"] += metrics.get("Executor CPU Time", 0) / 1e9
        host["records_read"] += metrics.get("Input Metrics", {}).get("Records Read", 0)
json.dump({"seconds": seconds, "hosts": hosts}, sys.stdout)

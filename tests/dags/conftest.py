"""A home for Airflow that is thrown away, made before the first import of Airflow reads where it is."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

DAGS = Path(__file__).resolve().parents[2] / "airflow" / "dags"

if find_spec("airflow.sdk") is None:
    collect_ignore = ["test_dags.py"]  # the jobs' environment runs all other tiers
else:
    home = tempfile.mkdtemp(prefix="skytier-dags-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(
        {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
            "SKYTIER_HOME": home,
            "SKYTIER_AIRFLOW_COMMAND": str(DAGS.parents[1] / ".venv" / "bin" / "skytier"),  # as the local stack sets it
        }
    )
    sys.path.insert(0, str(DAGS))  # as Airflow does, so that DAG files find what they share

"""What executors run with: those of a local master as part of the driver's machine, those of a cluster by settings.

No property holds a secret: executors of a cluster find theirs in their own environment.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from pydantic import SecretStr

from skytier.settings.base import PROJECT_ROOT, home
from skytier.settings.index import ALL_SETTINGS
from skytier.settings.spark import SparkSettings

_PACKAGES = ("skytier", "events", "generator", "models", "spark_jobs")
VARIABLE_OF_SECRET = "_SPARK_AUTH_SECRET"  # noqa: S105 - its name
"""where Spark reads the secret that the processes of a cluster share"""
_DAEMON = "spark_jobs.worker_daemon"
# Settings that are a host's own: those of the driver's are not those of executors.
_OF_ONE_HOST = ("SKYTIER_BIND_", "SKYTIER_TLS_FOLDER", "SKYTIER_SPARK_CACHE_FOLDER", "SKYTIER_SPARK_DRIVER_")


def authentication() -> dict[str, str]:
    """The properties by which processes of a cluster know each other, and encrypt what they send.

    They do not hold the secret, which is in the variable ``VARIABLE_OF_SECRET`` of each process and comes first.
    Drivers insist on a value for the property as well: it is the variable's name.
    """
    return {
        "spark.authenticate": "true",
        "spark.authenticate.secret": f"in {VARIABLE_OF_SECRET}",
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    }


def variables(settings: SparkSettings) -> dict[str, str]:
    """What a driver needs in its environment for a cluster of the local stack."""
    return {VARIABLE_OF_SECRET: settings.shared_secret} if settings.shared_secret else {}


def properties(settings: SparkSettings, jars: Path, jvm_options: str) -> dict[str, str]:
    """The properties that decide what executors run with; ``jars`` is the driver's folder of extra jars."""
    common = {
        # Spark gives each worker one thread, for as many run as there are cores: but one alone predicts a batch.
        "spark.executorEnv.OMP_NUM_THREADS": str(settings.worker_threads),
        "spark.pyspark.driver.python": sys.executable,
    }
    if settings.is_local:
        return common | _local(jars)
    return common | _of_cluster(settings, jars) | {"spark.executor.extraJavaOptions": jvm_options}


def python(settings: SparkSettings) -> str:
    """The Python of the executors."""
    return sys.executable if settings.is_local else settings.executor_python


def modules_file() -> Path:
    """The archive of this project's modules that jobs send to executors."""
    return home() / "conf" / "skytier-modules.zip"


def write_modules() -> None:
    """Write that archive, in one step."""
    path = modules_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    with zipfile.ZipFile(aside, "w") as archive:
        for module in sorted(file for package in _PACKAGES for file in (PROJECT_ROOT / package).rglob("*.py")):
            archive.write(module, module.relative_to(PROJECT_ROOT))
    aside.replace(path)


def _local(jars: Path) -> dict[str, str]:
    return {
        "spark.pyspark.python": sys.executable,
        "spark.python.daemon.module": _DAEMON,
        "spark.executor.extraClassPath": f"{jars}/*",
    }


def _of_cluster(settings: SparkSettings, jars: Path) -> dict[str, str]:
    found = {
        "spark.cores.max": str(settings.job_cores),  # another job finds cores as well
        "spark.executor.syncLogLevel.enabled": "true",  # theirs are logs of a job a minute
        "spark.executor.memory": f"{settings.executor_memory_mb}m",
        "spark.pyspark.python": settings.executor_python,
        "spark.executorEnv.SKYTIER_HOME": settings.executor_home,
    } | {f"spark.executorEnv.{name}": value for name, value in _settings_of_executors().items()}
    if settings.archives:
        found["spark.archives"] = settings.archives
    if settings.executor_class_path:
        found["spark.executor.extraClassPath"] = settings.executor_class_path
    else:
        found["spark.jars"] = ",".join(map(str, sorted(jars.glob("*.jar"))))
    if settings.executor_python_path:
        # Only there: what is sent along comes after the process that workers are forked from.
        found |= {
            "spark.executorEnv.PYTHONPATH": settings.executor_python_path,
            "spark.python.daemon.module": _DAEMON,
        }
    else:
        found["spark.submit.pyFiles"] = str(modules_file())
    return found


def _settings_of_executors() -> dict[str, str]:
    """Every setting that was given to the driver and is no secret or its host's own, by its variable."""
    found: dict[str, str] = {}
    for settings in (kind() for kind in ALL_SETTINGS):
        prefix = settings.model_config["env_prefix"]
        for name, field in type(settings).model_fields.items():
            value, variable = getattr(settings, name), f"{prefix}{name}".upper()
            is_given = name in settings.model_fields_set and value != field.default
            if is_given and not isinstance(value, SecretStr) and not variable.startswith(_OF_ONE_HOST):
                found[variable] = str(value)
    return found

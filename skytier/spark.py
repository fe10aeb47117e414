"""How Spark jobs are configured and started. Nothing here starts a JVM by itself."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from skytier import app_cds, logs, spark_executors
from skytier.errors import TerminalError
from skytier.file_lock import file_lock
from skytier.settings.base import PROJECT_ROOT, home, scratch_folder
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import HostSettings
from skytier.settings.metastore import MetastoreSettings
from skytier.settings.spark import SparkSettings

# Hadoop's client libraries reach into the JDK by reflection; pyspark's own launcher opens the same packages.
_JVM_BASE = "-Duser.timezone=UTC -XX:-UsePerfData -XX:+IgnoreUnrecognizedVMOptions"
# A job ends before the second compiler pays for itself. A batch's generated methods are large: left uncompiled, as the
# JVM does by default, they take twice as long.
_JVM_ONE_SHOT = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-DontCompileHugeMethods -XX:ReservedCodeCacheSize=160m"

_STANDARD_ERROR = 2
_FAILURE_FILE = "SKYTIER_JOB_FAILURE_FILE"

log = logs.logger("spark")

# What the results of a transform depend on, so that tests of transforms run under the same.
SESSION_PROPERTIES = {
    "spark.sql.session.timeZone": "UTC",
    # No table is joined by its partition; looking for one that is took 20 s for the expressions of a batch.
    "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
    # One bad record must become a null and a reason, never an exception that stops its whole batch.
    "spark.sql.ansi.enabled": "false",
    # Codes are ASCII; the library for all languages takes ten times as long to change their case.
    "spark.sql.icu.caseMappings.enabled": "false",
    # Of a name that an object repeats the last value counts, wherever the object stands.
    "spark.sql.variant.allowDuplicateKeys": "true",
}


def spark_jars() -> Path:
    """The folder of the jars that Spark needs beside its own (Kafka, Iceberg, MongoDB, PostgreSQL)."""
    return PROJECT_ROOT / "var" / "jars" / "spark"


def spark_home() -> Path:
    """Spark as installed, but for the zipped copy of its Python modules, which every process would compile anew."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise TerminalError("pyspark is not installed: run 'make install'.")
    view = SparkSettings().cache_folder / "spark-home"
    view.mkdir(parents=True, exist_ok=True)
    for part in ("bin", "jars"):
        installed, link = Path(spec.origin).parent / part, view / part
        if not link.is_symlink() or link.readlink() != installed:
            aside = view / f"{part}.{os.getpid()}.new"
            aside.symlink_to(installed)
            aside.replace(link)
    return view


def job_properties_file() -> Path:
    """The properties file that every Spark job is submitted with."""
    return home() / "conf" / "spark-jobs.properties"


def make_app_cds_archive(job: str) -> None:
    """Run a job and keep an archive of the classes it loaded. Raises TerminalError when the job fails.

    It costs twice what the job does: where another stack is at it, its archive is waited for.
    """
    archive = app_cds.archive()
    aside = archive.with_suffix(f".{os.getpid()}.new")  # not the one that a killed process's job goes on writing
    jvm = f"{_JVM_BASE} {_JVM_ONE_SHOT} -Xlog:disable -Xlog:all=error:stderr -XX:ArchiveClassesAtExit={aside}"
    with file_lock(archive.with_suffix(".lock"), on_wait=lambda: log.info("another stack makes the AppCDS archive")):
        if not archive.exists():
            for left in archive.parent.glob(f"{archive.stem}.*.new"):
                left.unlink(missing_ok=True)
            submit(job, properties={"spark.driver.extraJavaOptions": jvm})
            aside.replace(archive)
            write_job_properties()
            return
    write_job_properties()
    submit(job)


def cold_tier_properties() -> dict[str, str]:
    """Settings that jobs and the SQL endpoint share: Iceberg beside plain Hive tables, on HDFS."""
    hdfs, spark = HdfsSettings(), SparkSettings()
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.spark_catalog": "org.apache.iceberg.spark.SparkSessionCatalog",
        "spark.sql.catalog.spark_catalog.type": "hive",
        # A cached table would hide what another process committed.
        "spark.sql.catalog.spark_catalog.cache-enabled": "false",
        "spark.sql.hive.filesourcePartitionFileCacheSize": "0",
        # The metastore's own compare-and-set decides commits; its lock tables are not created.
        "spark.hadoop.iceberg.engine.hive.lock-enabled": "false",
        "spark.hadoop.hive.exec.dynamic.partition.mode": "nonstrict",
        "spark.hadoop.hive.metastore.uris": MetastoreSettings().uri,
        "spark.hadoop.fs.defaultFS": hdfs.url,
        "spark.sql.warehouse.dir": f"{hdfs.url}/warehouse",
        # Closing a file otherwise sleeps 400 ms before it asks the NameNode again.
        "spark.hadoop.dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "10",
        "spark.hadoop.dfs.client.block.write.locateFollowingBlock.retries": "10",
        "spark.hadoop.dfs.client.use.datanode.hostname": "false",
        **({"spark.hadoop.dfs.replication": str(hdfs.replicas)} if hdfs.is_local else {}),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.driver.defaultJavaOptions": f"-Djava.io.tmpdir={scratch_folder()}",
        "spark.driver.host": spark.driver_host,
        "spark.driver.bindAddress": spark.driver_bind_address,
        "spark.driver.extraClassPath": f"{spark_jars()}/*",
    } | _authentication()


def _authentication() -> dict[str, str]:
    """A driver's ports answer its own processes only: in local mode it makes a secret for each run.

    Encrypting what it sends to itself, on loopback, took 4% of a large batch. Master and workers of a cluster share a
    secret with it; where the settings have none, authentication and encryption are the cluster's to set.
    """
    spark = SparkSettings()
    if spark.is_local:
        return {"spark.authenticate": "true"}
    return spark_executors.authentication() if spark.shared_secret else {}


def job_properties() -> dict[str, str]:
    """All settings of a Spark job; without secrets, which jobs read from the environment or ``stack.env``."""
    spark = SparkSettings()
    archive = app_cds.archive()
    jvm = f"{_JVM_BASE} {_JVM_ONE_SHOT}"
    if archive.exists():
        jvm += f" -XX:SharedArchiveFile={archive}"
    return (
        cold_tier_properties()
        | SESSION_PROPERTIES
        | worker_properties()
        | {
            "spark.master": spark.master,
            "spark.driver.memory": f"{spark.driver_memory_mb}m",
            "spark.driver.extraJavaOptions": jvm,
            "spark.sql.shuffle.partitions": str(spark.shuffle_partitions),
            # Adaptive execution re-plans every small stage; a batch is too short to gain from it.
            "spark.sql.adaptive.enabled": "false",
            # A batch is cached for seconds and read four times: packing it costs more than the memory it saves.
            "spark.sql.inMemoryColumnarStorage.compressed": "false",
            # Spark's default for times has no minima and maxima, by which queries skip files.
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.sql.debug.maxToStringFields": "1000",
            # Telling the JVM the Python line of every expression took a third of the time that making a plan takes.
            "spark.python.sql.dataFrameDebugging.enabled": "false",
            "spark.log.level": "WARN",
            "spark.ui.showConsoleProgress": "false",
        }
    )


def worker_properties() -> dict[str, str]:
    """What a job's Python workers have in their environment, and what they are forked from."""
    return spark_executors.properties(SparkSettings(), spark_jars(), f"{_JVM_BASE} {_JVM_ONE_SHOT}")


def write_properties(path: Path, properties: dict[str, str]) -> None:
    """Write a properties file in one step, so that a job that starts meanwhile reads the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{key} {value}\n" for key, value in sorted(properties.items()))
    aside = path.with_suffix(".new")
    aside.write_text(text)
    aside.replace(path)


def write_job_properties() -> Path:
    """Write the properties file of the jobs and return its path."""
    path = job_properties_file()
    if not SparkSettings().is_local:
        spark_executors.write_modules()
    write_properties(path, job_properties())
    return path


def job_environment() -> dict[str, str]:
    """The environment a job is submitted with."""
    return os.environ | job_variables()


def job_variables() -> dict[str, str]:
    """What a job needs in its environment beside the caller's."""
    # With files in it, SPARK_CONF_DIR would change the class path, and the AppCDS archive be of no use.
    empty = SparkSettings().cache_folder / "no-conf"
    empty.mkdir(parents=True, exist_ok=True)
    return {
        "SPARK_HOME": str(spark_home()),
        "PYSPARK_PYTHON": spark_executors.python(SparkSettings()),
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_CONF_DIR": str(empty),
        # Not as a property: executors of a cluster would take it for theirs.
        "SPARK_LOCAL_DIRS": str(scratch_folder()),
        "SPARK_LOCAL_IP": SparkSettings().driver_bind_address,
        "HADOOP_USER_NAME": HdfsSettings().user,
        "PYTHONPATH": str(PROJECT_ROOT),
        "SKYTIER_HOME": str(home()),
    } | spark_executors.variables(SparkSettings())


def submit_command(job: str, *arguments: str, properties: dict[str, str] | None = None) -> list[str]:
    """The command line that submits ``spark_jobs/<job>.py``; ``properties`` win over the properties file."""
    extra = [part for key, value in (properties or {}).items() for part in ("--conf", f"{key}={value}")]
    submit = shlex.split(SparkSettings().submit) or [str(Path(sys.executable).parent / "spark-submit")]
    script = str(PROJECT_ROOT / "spark_jobs" / f"{job}.py")
    return [*submit, "--properties-file", str(job_properties_file()), *extra, script, *arguments]


def submit(job: str, *arguments: str, properties: dict[str, str] | None = None) -> None:
    """Run a job to its end; all its output goes to standard error, for standard output belongs to the command.

    On a machine without a local stack it writes the properties file first. Raises TerminalError when the servers are
    those of a local stack that was never started, or the job fails.
    """
    if not job_properties_file().exists():
        if HdfsSettings().is_local and HostSettings().is_one_host:
            raise TerminalError(
                f"{job_properties_file()} does not exist: start the stack with 'make up' first, or set "
                "SKYTIER_HDFS_URL and the addresses of the other servers."
            )
        write_job_properties()
    command = submit_command(job, *arguments, properties=properties)
    with tempfile.NamedTemporaryFile("r", dir=scratch_folder(), prefix=f"{job}-", suffix=".failure") as failure:
        environment = job_environment() | {_FAILURE_FILE: failure.name}
        status = subprocess.run(command, env=environment, stdout=_STANDARD_ERROR, check=False).returncode
        if status != 0:
            raise TerminalError(failure.read() or f"The Spark job {job} ended with status {status}, and said no more.")


def tell_failure(reason: str) -> None:
    """Tell whoever submitted this job why it failed; for the last lines of ``submit``."""
    if path := os.environ.get(_FAILURE_FILE):
        Path(path).write_text(reason)

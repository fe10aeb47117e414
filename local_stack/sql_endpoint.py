"""The SQL endpoint: Spark's Thrift Server, which speaks the protocol of HiveServer2 (beeline, PyHive)."""

from __future__ import annotations

from pathlib import Path

from pyhive import hive

from local_stack import jvm
from local_stack.server import Server, conf_folder
from skytier import spark
from skytier.archive import visibility
from skytier.settings import HOST, HdfsSettings, PortSettings, SparkSettings, SqlSettings
from skytier.sql import Connection

_CONNECTIONS = 100
_USER_VARIABLE = "HADOOP_USER_NAME"


class SqlEndpoint(Server):
    """One Spark application that answers queries for as long as the stack runs."""

    name = "sql"
    needs = ("metastore", "datanode", "mongodb")

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_SQL": PortSettings().sql}

    def address(self) -> str:
        return f"jdbc:hive2://{HOST}:{PortSettings().sql}"

    def prepare(self) -> None:
        spark.write_properties(self._properties_file(), self._properties())

    def _properties(self) -> dict[str, str]:
        jvm_options = (
            f"-Duser.timezone=UTC -XX:+UseSerialGC -XX:-UsePerfData -XX:ReservedCodeCacheSize=160m "
            f"-D{_USER_VARIABLE}={HdfsSettings().user} "
            f"{SqlSettings().jvm_options}"
        )
        shared = spark.cold_tier_properties()
        return shared | {
            "spark.master": SparkSettings().master,
            "spark.app.name": "skytier-sql",
            "spark.driver.memory": f"{SqlSettings().memory_mb}m",
            "spark.driver.extraJavaOptions": jvm_options,
            "spark.sql.shuffle.partitions": str(SparkSettings().shuffle_partitions),
            "spark.scheduler.mode": "FAIR",
            # Iceberg's parser must be the outermost, the last one here.
            "spark.sql.extensions": f"MongoTimes,{shared['spark.sql.extensions']}",
            "spark.driver.extraClassPath": f"{shared['spark.driver.extraClassPath']}:{jvm.compiled()}",
            "spark.sql.globalTempDatabase": visibility.TIERS,
            "spark.sql.thriftServer.queryTimeout": f"{SqlSettings().query_timeout_seconds}s",
            "spark.log.level": "WARN",
        }

    def command(self) -> list[str]:
        return [
            str(spark.spark_home() / "bin" / "spark-submit"),
            "--properties-file",
            str(self._properties_file()),
            "--class",
            "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
            "spark-internal",
            "--hiveconf",
            f"hive.server2.thrift.bind.host={HOST}",
            "--hiveconf",
            f"hive.server2.thrift.port={PortSettings().sql}",
            "--hiveconf",
            f"hive.server2.thrift.max.worker.threads={_CONNECTIONS}",
        ]

    def environment(self) -> dict[str, str]:
        variables = spark.job_variables() | jvm.hadoop_environment()
        # As a variable, Hive takes it for a user to impersonate in beeline's statements, which HDFS refuses.
        return {name: value for name, value in variables.items() if name != _USER_VARIABLE}

    def set_up(self) -> None:
        """Make the views of both tiers, which live as long as the server; before the first migration there are none."""
        with Connection() as connection:
            if visibility.is_migrated(connection):
                visibility.make_views(connection)

    def ready(self) -> bool:
        settings = SqlSettings()
        with hive.connect(HOST, PortSettings().sql, username=settings.user) as connection:
            cursor = connection.cursor()
            cursor.execute("select 1")
            return bool(cursor.fetchone() == (1,))

    @staticmethod
    def _properties_file() -> Path:
        return conf_folder() / "spark-sql.properties"

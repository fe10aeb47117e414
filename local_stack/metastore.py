"""The Hive metastore, from the jars of pyspark, through our own small launcher."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from local_stack import jvm, postgres
from local_stack.server import Server
from skytier import metastore, spark
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.metastore import MetastoreSettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings


class Metastore(Server):
    """The catalog of all tables; keeps it in PostgreSQL."""

    name = "metastore"
    needs = ("postgres",)

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_METASTORE": PortSettings().metastore}

    def address(self) -> str:
        return MetastoreSettings().uri

    def command(self) -> list[str]:
        ports = PortSettings()
        # A database that is reached and does not answer must not hold its callers for ever either.
        parameters = {"connectTimeout": "3", "socketTimeout": "60"} | PostgresSettings.tls_parameters()
        server = f"{HostSettings().postgres}:{ports.postgres}"
        database = f"jdbc:postgresql://{server}/metastore?{urlencode(parameters, quote_via=quote)}"
        hdfs = HdfsSettings().url
        arguments = [BindSettings().address, str(ports.metastore), database, "metastore", hdfs, f"{hdfs}/warehouse"]
        classpath = [str(jvm.compiled()), jvm.jars("metastore"), f"{spark.spark_home()}/jars/*"]
        return jvm.java("MetastoreServer", *arguments, classpath=classpath, heap_mb=256, options=[jvm.QUICK_START])

    def needs_of_start(self) -> None:
        postgres.check_login("metastore")

    def environment(self) -> dict[str, str]:
        password = PostgresSettings().password_of("metastore")
        return jvm.hadoop_environment() | {"SKYTIER_POSTGRES_PASSWORD": password}

    def ready(self) -> bool:
        return metastore.is_alive(seconds=3)

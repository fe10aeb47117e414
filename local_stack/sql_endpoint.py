"""The SQL endpoint: Spark's Thrift Server, which speaks the protocol of HiveServer2 (beeline, PyHive)."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from pyhive import hive

from events.archive_targets import all_targets
from local_stack import certificates, jvm, processes
from local_stack.server import Server, bare_environment, conf_folder, write_private
from skytier import spark, sql_transport
from skytier.archive import visibility
from skytier.settings.archive import ArchiveSettings
from skytier.settings.base import home
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings
from skytier.settings.spark import SparkSettings
from skytier.settings.sql import Role, SqlSettings
from skytier.settings.tls import TlsSettings
from skytier.sql import Connection

_CONNECTIONS = 100
_USER_VARIABLE = "HADOOP_USER_NAME"
# The folders of HDFS that a statement may name.
FOLDERS = ("/warehouse", "/raw", "/archive", "/metadata", "/reference")
# What Spark prints for an option or setting whose name says that it is a secret.
_REDACTED = "(?i)secret|password|token|access[.]?key|uri|url"
# As Hive knows its settings.
_HIVE = {
    "hive.server2.thrift.max.worker.threads": str(_CONNECTIONS),
    "hive.server2.authentication": "CUSTOM",
    "hive.server2.custom.authentication.class": "SqlUsers",
    # A session is its own user's: it runs as the server, and as nobody that a client names.
    "hive.server2.enable.doAs": "false",
    "hive.server2.allow.user.substitution": "false",
}


class SqlEndpoint(Server):
    """One Spark application that answers queries for as long as the stack runs."""

    name = "sql"
    needs = ("metastore", "datanode", "mongodb")

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_SQL": PortSettings().sql}

    def address(self) -> str:
        return f"jdbc:hive2://{HostSettings().sql}:{PortSettings().sql}{'/;ssl=true' if TlsSettings().enabled else ''}"

    def configure(self) -> None:
        write_private(self._users_file(), _users())
        for role in Role:
            write_private(password_file(role), SqlSettings().login(role)[1])
        spark.write_properties(self._properties_file(), self._properties())

    def _properties(self) -> dict[str, str]:
        jvm_options = (
            f"-Duser.timezone=UTC -XX:+UseSerialGC -XX:-UsePerfData -XX:ReservedCodeCacheSize=160m "
            f"-D{_USER_VARIABLE}={HdfsSettings().user} {self._guard_options()} "
            f"{SqlSettings().jvm_options}"
        )
        if TlsSettings().enabled:  # MongoDB is a server that it reads from
            jvm_options += f" -Djavax.net.ssl.trustStore={certificates.trust_store()}"
        shared = spark.cold_tier_properties()
        return shared | {
            "spark.master": SparkSettings().master,
            "spark.app.name": "skytier-sql",
            "spark.driver.memory": f"{SqlSettings().memory_mb}m",
            "spark.driver.extraJavaOptions": jvm_options,
            "spark.sql.shuffle.partitions": str(SparkSettings().shuffle_partitions),
            "spark.scheduler.mode": "FAIR",
            # The last one is the outermost: the guard sees every statement, Iceberg's too.
            "spark.sql.extensions": f"MongoTimes,{shared['spark.sql.extensions']},SqlGuard",
            "spark.driver.extraClassPath": f"{shared['spark.driver.extraClassPath']}:{jvm.compiled()}",
            "spark.sql.globalTempDatabase": visibility.TIERS,
            "spark.sql.thriftServer.queryTimeout": f"{SqlSettings().query_timeout_seconds}s",
            # ${env:PATH} in a statement is text.
            "spark.sql.variable.substitute": "false",
            "spark.redaction.regex": _REDACTED,
            "spark.sql.redaction.options.regex": _REDACTED,
            "spark.log.level": "WARN",
            **self._tls(),
        }

    def _tls(self) -> dict[str, str]:
        """Its settings where it speaks TLS only. The password of its key store is of this start alone."""
        if not TlsSettings().enabled:
            return {}
        password = secrets.token_urlsafe(24)
        write_private(self._key_store(), certificates.key_store(self.name, password))
        # Beside the password, which must not be on the command line, for all to be in one place.
        return {
            "spark.hadoop.hive.server2.use.SSL": "true",
            "spark.hadoop.hive.server2.keystore.path": str(self._key_store()),
            "spark.hadoop.hive.server2.keystore.password": password,
        }

    @staticmethod
    def _key_store() -> Path:
        return conf_folder() / "sql-tls.p12"

    def _guard_options(self) -> str:
        return " ".join(
            (
                f"-Dskytier.sql.users={self._users_file()}",
                f"-Dskytier.sql.file_system={HdfsSettings().url}",
                f"-Dskytier.sql.folders={','.join(FOLDERS)}",
            )
        )

    def command(self) -> list[str]:
        listens = {
            "hive.server2.thrift.bind.host": BindSettings().address,
            "hive.server2.thrift.port": str(PortSettings().sql),
        }
        return [
            str(spark.spark_home() / "bin" / "spark-submit"),
            "--properties-file",
            str(self._properties_file()),
            "--class",
            "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
            "spark-internal",
            *(part for name, value in (listens | _HIVE).items() for part in ("--hiveconf", f"{name}={value}")),
        ]

    def environment(self) -> dict[str, str]:
        variables = spark.job_variables() | jvm.hadoop_environment()
        # As a variable, Hive takes it for a user to impersonate in beeline's statements, which HDFS refuses.
        return {name: value for name, value in variables.items() if name != _USER_VARIABLE}

    def whole_environment(self) -> dict[str, str]:
        return bare_environment() | self.environment()

    def set_up(self) -> None:
        """Make the views of both tiers, which live as long as the server; before the first migration there are none."""
        self._create_views()

    def _create_views(self) -> bool:
        """Whether there are views of all targets now."""
        settings = MongoSettings()
        made = []
        with Connection() as connection:
            for target in all_targets(settings, ArchiveSettings()):
                if is_migrated := visibility.is_migrated(connection, target):
                    visibility.create_views(connection, target, settings)
                made.append(is_migrated)
        return all(made)

    def keep_up(self) -> None:
        """Make the views once in the life of the server's process, where nobody sets it up after a restart."""
        process = processes.find(self.name)
        note = home() / "run" / "sql.views"
        life = f"{process.pid} {process.create_time()}" if process else ""
        if life and not (note.exists() and note.read_text() == life) and self._create_views():
            note.write_text(life)

    def ready(self) -> bool:
        user, password = SqlSettings().login(Role.READER)
        transport = sql_transport.transport(HostSettings().own("sql"), PortSettings().sql, user, password)
        with hive.Connection(thrift_transport=transport, username=user) as connection:
            cursor = connection.cursor()
            cursor.execute("select 1")
            return bool(cursor.fetchone() == (1,))

    @staticmethod
    def _properties_file() -> Path:
        return conf_folder() / "spark-sql.properties"

    @staticmethod
    def _users_file() -> Path:
        return conf_folder() / "sql-users"


def password_file(role: Role) -> Path:
    """A file with the password of a role's user and nothing else, for clients like beeline."""
    return conf_folder() / f"sql-{role}.password"


def _users() -> str:
    """What the server knows of its users: role, name, digest of the password; and the digest of the hot tier's URI."""
    logins = {role: SqlSettings().login(role) for role in Role}
    users = "".join(f"{role.name} {user} {_digest(password)}\n" for role, (user, password) in logins.items())
    return f"{users}{Role.READER.name}  {_digest(MongoSettings().reader_connection_string())}\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

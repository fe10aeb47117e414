"""All settings, one class a concern, read from ``SKYTIER_...`` variables.

A variable of the environment wins over the file ``stack.env`` in ``SKYTIER_HOME``, which the local stack writes at its
first start (passwords and moved ports); that wins over the defaults here.
"""

from __future__ import annotations

import os
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from skytier.errors import TerminalError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
LOCAL_KAFKA_MECHANISM = "SCRAM-SHA-256"
PRIVATE = 0o077
"""the umask of commands, servers and jobs: what they write, nobody else on the machine may read"""


def home() -> Path:
    """The folder of all state of the local stack: ``SKYTIER_HOME``, by default ``var`` in the project."""
    return (PROJECT_ROOT / os.environ.get("SKYTIER_HOME", "var")).resolve()


def scratch_folder() -> Path:
    """Where servers and jobs put temporary files; a start with no server running empties it."""
    folder = home() / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stack_env_file() -> Path:
    """The file of passwords and moved ports of the local stack."""
    return home() / "stack.env"


class Settings(BaseSettings):
    """Base of all settings classes: where values come from."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, DotEnvSettingsSource(settings_cls, env_file=stack_env_file())


class PortSettings(Settings):
    """The ports of the local stack, all on 127.0.0.1. ``offset`` moves every port that is not set itself."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_PORT_")

    offset: int = Field(0, ge=0, le=20000, description="added to every port below that is not set itself")
    kafka: int = Field(9092, description="Kafka broker")
    kafka_controller: int = Field(9093, description="Kafka controller (KRaft)")
    namenode: int = Field(8020, description="HDFS NameNode, RPC")
    namenode_http: int = Field(9870, description="HDFS NameNode, WebHDFS")
    datanode: int = Field(9866, description="HDFS DataNode, data")
    datanode_http: int = Field(9864, description="HDFS DataNode, WebHDFS")
    datanode_ipc: int = Field(9867, description="HDFS DataNode, RPC")
    metastore: int = Field(9083, description="Hive metastore")
    sql: int = Field(10000, description="SQL endpoint (Spark Thrift Server)")
    postgres: int = Field(5432, description="PostgreSQL")
    redis: int = Field(6379, description="Redis")
    mongodb: int = Field(27017, description="MongoDB")
    airflow: int = Field(8080, description="Airflow's pages and API")
    dashboard: int = Field(8501, description="dashboard")

    @model_validator(mode="before")
    @classmethod
    def _move(cls, values: dict[str, Any]) -> dict[str, Any]:
        offset = int(values.get("offset", 0))
        defaults = {name: field.default for name, field in cls.model_fields.items() if name != "offset"}
        return {name: port + offset for name, port in defaults.items()} | values


class KafkaUser(StrEnum):
    """Who logs in to the local stack's Kafka, as the user ``skytier-...``."""

    PRODUCER = "producer"
    """publishes events"""
    JOB = "job"
    """reads the events, writes dead letters"""
    OPERATOR = "operator"
    """makes, empties and deletes topics"""
    MONITOR = "monitor"
    """looks at how far the topic is"""
    ADMIN = "admin"
    """may do everything: the broker itself, and set-up"""


class TlsSettings(Settings):
    """TLS of the local stack's MongoDB, PostgreSQL, Redis, Kafka and SQL endpoint, and of their clients."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_TLS_")

    enabled: bool = Field(
        False,
        description="whether these servers speak TLS and nothing else; `skytier stack up` keeps it in `stack.env`",
    )
    ca_file: str = Field(
        "",
        description="certificates (PEM) of the authorities that clients trust; empty: of the one that "
        "`skytier stack certificates` makes",
    )

    @property
    def folder(self) -> Path:
        """Where the certificates and keys of the local stack are."""
        return home() / "tls"

    def authority(self) -> Path:
        """The file of the authorities that clients trust. Raises TerminalError where it is not there."""
        file = PROJECT_ROOT / Path(self.ca_file).expanduser() if self.ca_file else self.folder / "ca.pem"
        if not file.is_file():
            what = "SKYTIER_TLS_CA_FILE names" if self.ca_file else "SKYTIER_TLS_ENABLED is set, which wants"
            raise TerminalError(
                f"{what} the file {file}, which does not exist: 'skytier stack certificates' makes an authority and "
                "certificates; where you have an authority of your own, set SKYTIER_TLS_CA_FILE to its certificate."
            )
        return file


class KafkaSettings(Settings):
    """Kafka: how to log in, the topic of flight events, and its dead-letter topic."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_KAFKA_")

    bootstrap_servers: str = Field("", description="brokers as host:port,...; empty: the local stack's")
    security_protocol: Literal["", "PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"] = Field(
        "",
        description="protocol of the brokers; empty: SASL_PLAINTEXT with the local stack's, or SASL_SSL where "
        "SKYTIER_TLS_ENABLED is set; with others SASL_SSL where there is a user and PLAINTEXT where there is none",
    )
    user: str = Field("", description="user at brokers elsewhere; on the local stack each part has one of its own")
    password: SecretStr = Field(SecretStr(""), description="password of that user")
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="how that user logs in"
    )
    ca_file: str = Field("", description="PEM file of the authority of the brokers' certificates; empty: the system's")
    spark_login_file: str = Field(
        "",
        description="properties file with the `sasl.jaas.config` of Spark's clients, the same path on driver and "
        "executors of a cluster; empty: jobs write one on this machine",
    )
    producer_password: SecretStr = Field(
        SecretStr(""), description="password of the local stack's `skytier-producer`; made at first start"
    )
    job_password: SecretStr = Field(SecretStr(""), description="the same of `skytier-job`; made at first start")
    operator_password: SecretStr = Field(
        SecretStr(""), description="the same of `skytier-operator`; made at first start"
    )
    monitor_password: SecretStr = Field(SecretStr(""), description="the same of `skytier-monitor`; made at first start")
    admin_password: SecretStr = Field(
        SecretStr(""), description="the same of `skytier-admin`, the broker itself; made at first start"
    )
    topic: str = Field("flight_events", description="topic of the flight events")
    dead_letter_topic: str = Field("flight_events_rejected", description="topic of the rejected records")
    partitions: int = Field(2, ge=1, description="partitions of a topic that the local stack creates")
    retention_days: int = Field(7, ge=1, description="retention of a topic that the local stack creates")

    @model_validator(mode="after")
    def _local(self) -> KafkaSettings:
        if not self.bootstrap_servers:
            object.__setattr__(self, "bootstrap_servers", _local_brokers())
        if not self.security_protocol:
            elsewhere = "SASL_SSL" if self.user else "PLAINTEXT"
            local = "SASL_SSL" if TlsSettings().enabled else "SASL_PLAINTEXT"
            object.__setattr__(self, "security_protocol", local if self.is_local else elsewhere)
        return self

    @property
    def is_local(self) -> bool:
        """Whether it is the local stack's."""
        return self.bootstrap_servers == _local_brokers()

    def authority(self) -> str:
        """The file of the authorities that clients trust; empty: the system's. Raises TerminalError without it."""
        return str(TlsSettings().authority()) if self.is_local and TlsSettings().enabled else self.ca_file

    def login(self, user: KafkaUser) -> tuple[str, str, str]:
        """Mechanism, name and password of who logs in. Raises TerminalError where there is none."""
        if self.is_local:
            missing = (
                f"SKYTIER_KAFKA_{user.upper()}_PASSWORD is not set and {stack_env_file()} does not hold it: start the "
                "local stack with 'make up', or set SKYTIER_KAFKA_BOOTSTRAP_SERVERS."
            )
            mechanism, name, password = LOCAL_KAFKA_MECHANISM, f"skytier-{user}", getattr(self, f"{user}_password")
        else:
            missing = (
                f"SKYTIER_KAFKA_USER and SKYTIER_KAFKA_PASSWORD are not both set; with SKYTIER_KAFKA_SECURITY_PROTOCOL="
                f"{self.security_protocol}, Kafka at {self.bootstrap_servers} asks for them."
            )
            mechanism, name, password = self.sasl_mechanism, self.user, self.password
        if not (name and password.get_secret_value()):
            raise TerminalError(missing)
        return mechanism, name, password.get_secret_value()


def _local_brokers() -> str:
    return f"{HOST}:{PortSettings().kafka}"


class HdfsSettings(Settings):
    """The file system of the cold tier."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_HDFS_")

    url: str = Field("", description="file system as hdfs://host:port; empty: the local stack's")
    web_url: str = Field("", description="WebHDFS as http://host:port; empty: the local stack's")
    user: str = Field("skytier", description="user that owns the files")
    secret: SecretStr = Field(
        SecretStr(""), description="what WebHDFS asks for in the header X-Skytier-Secret; made at first start"
    )

    @model_validator(mode="after")
    def _local(self) -> HdfsSettings:
        ports = PortSettings()
        if not self.url:
            object.__setattr__(self, "url", f"hdfs://{HOST}:{ports.namenode}")
        if not self.web_url:
            object.__setattr__(self, "web_url", f"http://{HOST}:{ports.namenode_http}")
        return self


class MongoSettings(Settings):
    """The hot tier."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_MONGODB_")

    uri: SecretStr = Field(SecretStr(""), description="connection string; empty: the local stack's")
    reader_uri: SecretStr = Field(
        SecretStr(""),
        description="connection string of who reads, for SQL; empty: the above, or the local stack's",
    )
    user: str = Field("skytier", description="user of the local stack's server, who reads and writes the hot tier")
    password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    dashboard_user: str = Field(
        "skytier-dashboard", description="user who reads the hot tier and acknowledges alerts; the dashboard's"
    )
    dashboard_password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    reader_user: str = Field("skytier-reader", description="user who reads the hot tier, for queries in SQL")
    reader_password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    admin_user: str = Field("skytier-admin", description="user who may do everything; for set-up only")
    admin_password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    database: str = Field("flight_tracking", description="database of the hot tier")
    collection: str = Field("flight_events", description="collection of the flight events")

    def connection_string(self) -> str:
        """The URI to connect with; holds the password, so never log it."""
        return self.uri.get_secret_value() or self._local(self.user, self.password, "SKYTIER_MONGODB_PASSWORD")

    def reader_connection_string(self) -> str:
        """The URI of who only reads, for the views of SQL; holds a password, so never log it.

        The driver of Java takes authorities from the JVM's trust store, and none from the URI.
        """
        if given := self.reader_uri.get_secret_value() or self.uri.get_secret_value():
            return given
        return self._local(self.reader_user, self.reader_password, "SKYTIER_MONGODB_READER_PASSWORD", of_java=True)

    @staticmethod
    def local_parameters(login_of: str = "", *, of_java: bool = False) -> str:
        """What stands behind the question mark in a URI of the local stack's server, with a user of this database."""
        parameters = {"authSource": login_of} if login_of else {}
        parameters |= {"directConnection": "true", "w": "majority"}
        tls = TlsSettings()
        if tls.enabled:
            parameters |= {"tls": "true"} if of_java else {"tls": "true", "tlsCAFile": str(tls.authority())}
        return urlencode(parameters, quote_via=quote)

    def _local(self, user: str, password: SecretStr, variable: str, *, of_java: bool = False) -> str:
        if not password.get_secret_value():
            raise TerminalError(
                f"{variable} is not set and {stack_env_file()} does not hold it: "
                "start the local stack with 'make up', or set SKYTIER_MONGODB_URI."
            )
        login = f"{quote(user)}:{quote(password.get_secret_value(), safe='')}"
        parameters = self.local_parameters("admin", of_java=of_java)
        return f"mongodb://{login}@{HOST}:{PortSettings().mongodb}/?{parameters}"


class PostgresSettings(Settings):
    """The database of Airflow and of the Hive metastore."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_POSTGRES_")

    user: str = Field("skytier", description="superuser of the local stack's server; for set-up only")
    password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    airflow_password: SecretStr = Field(
        SecretStr(""), description="password of `airflow`, whose database has its name; made at first start"
    )
    metastore_password: SecretStr = Field(
        SecretStr(""), description="password of `metastore`, whose database has its name; made at first start"
    )

    def password_of(self, owner: str) -> str:
        """The password of the owner of a database."""
        return {"airflow": self.airflow_password, "metastore": self.metastore_password}[owner].get_secret_value()

    @staticmethod
    def tls_parameters() -> dict[str, str]:
        """What a connection to it says of TLS, in PostgreSQL's own words; nothing where there is none."""
        tls = TlsSettings()
        return {"sslmode": "verify-full", "sslrootcert": str(tls.authority())} if tls.enabled else {}


class RedisSettings(Settings):
    """The cache."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_REDIS_")

    url: SecretStr = Field(SecretStr(""), description="redis://...; empty: the local stack's")
    password: SecretStr = Field(SecretStr(""), description="password of the local stack's server; made at first start")
    admin_password: SecretStr = Field(
        SecretStr(""), description="password of its user `skytier-admin`, who may do everything; made at first start"
    )
    max_memory_mb: int = Field(64, ge=1, description="memory that the cache may use")

    def connection_string(self) -> str:
        """The URL to connect with; holds the password, so never log it."""
        return self.url.get_secret_value() or self.local_connection_string()

    def local_connection_string(self) -> str:
        """The URL of the local stack's server; holds the password as well."""
        tls = TlsSettings()
        server = f":{quote(self.password.get_secret_value(), safe='')}@{HOST}:{PortSettings().redis}"
        if not tls.enabled:
            return f"redis://{server}"
        trusted = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true", "ssl_ca_certs": str(tls.authority())}
        return f"rediss://{server}?{urlencode(trusted)}"


class CacheSettings(Settings):
    """How long answers are kept."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_CACHE_")

    cold_seconds: float = Field(300.0, gt=0, description="time that an answer of the cold tier holds")
    hot_seconds: float = Field(5.0, gt=0, description="time that an answer of the hot tier holds")
    stale_seconds: float = Field(3_600.0, ge=0, description="time after it in which it is given out as stale")
    recent_seconds: float = Field(
        60.0, ge=0, description="time after it in which it is given out at once, unless what it rests on has changed"
    )
    patience_seconds: float = Field(0.15, ge=0, description="wait for a new answer before a stale one is given out")
    asking_seconds: float = Field(
        10.0, gt=0, description="time without a sign of life after which who asks is taken for dead"
    )


class DashboardSettings(Settings):
    """The dashboard."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_DASHBOARD_")

    refresh_seconds: float = Field(60.0, ge=1, description="time between two refreshes of an open page")
    sign_in: Literal["off", "password", "oidc"] = Field(
        "off", description="how people sign in: off (nobody has to), password, or oidc (OpenID Connect)"
    )
    viewer_password: SecretStr = Field(SecretStr(""), description="password of viewers; empty: no viewer can sign in")
    operator_password: SecretStr = Field(SecretStr(""), description="password of operators, who may also start things")
    operator_token: SecretStr = Field(
        SecretStr(""), description="without sign-in: what makes a browser here an operator's; made at first start"
    )
    allowed_hosts: str = Field(
        "", description="names that the dashboard answers to beside localhost, with commas: those of its proxy"
    )
    trusted_proxies: str = Field(
        "", description="addresses of proxies, with commas, whose word on where requests come from counts"
    )
    viewers: str = Field("", description="with oidc: who may look, as addresses with commas; *: all that can sign in")
    operators: str = Field("", description="with oidc: who are operators, as addresses with commas")


class Role(StrEnum):
    """What a user of the SQL endpoint may do."""

    READER = "reader"
    OPERATOR = "operator"


class SqlSettings(Settings):
    """The SQL endpoint."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_SQL_")

    host: str = Field(HOST, description="host of the SQL endpoint")
    user: str = Field("skytier", description="operator: user that jobs change the warehouse as")
    password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    reader: str = Field("skytier_reader", description="user that may only read, as the dashboard and queries do")
    reader_password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    memory_mb: int = Field(768, ge=256, description="heap of the local stack's SQL endpoint")
    jvm_options: str = Field("", description="further options of the JVM of the local stack's SQL endpoint")
    query_timeout_seconds: int = Field(240, ge=1, description="a query that runs longer is cancelled")

    def login(self, role: Role) -> tuple[str, str]:
        """User and password of a role. Raises TerminalError where there is no password."""
        user, password, variable = {
            Role.OPERATOR: (self.user, self.password, "SKYTIER_SQL_PASSWORD"),
            Role.READER: (self.reader, self.reader_password, "SKYTIER_SQL_READER_PASSWORD"),
        }[role]
        if not password.get_secret_value():
            raise TerminalError(
                f"{variable} is not set and {stack_env_file()} does not hold it: "
                "start the local stack with 'make up', or set it to the password of the SQL endpoint's user "
                f"{user}."
            )
        return user, password.get_secret_value()


class MetastoreSettings(Settings):
    """The Hive metastore."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_METASTORE_")

    uri: str = Field("", description="thrift://host:port; empty: the local stack's")

    @model_validator(mode="after")
    def _local(self) -> MetastoreSettings:
        if not self.uri:
            object.__setattr__(self, "uri", f"thrift://{HOST}:{PortSettings().metastore}")
        return self


class AirflowSettings(Settings):
    """Airflow's pages and API."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_AIRFLOW_")

    url: str = Field("", description="pages and API as http://host:port; empty: the local stack's")
    user: str = Field("admin", description="user of Airflow's pages")
    password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    users: str = Field(
        "", description="further users of Airflow's pages, as `name:role` with commas; roles: viewer, user, op, admin"
    )
    fernet_key: SecretStr = Field(SecretStr(""), description="key of what Airflow keeps encrypted; made at first start")
    jwt_secret: SecretStr = Field(SecretStr(""), description="key that Airflow signs logins with; made at first start")
    parallelism: int = Field(4, ge=1, description="tasks that run at once")

    @model_validator(mode="after")
    def _local(self) -> AirflowSettings:
        if not self.url:
            object.__setattr__(self, "url", f"http://{HOST}:{PortSettings().airflow}")
        return self


class SparkSettings(Settings):
    """Where and how big Spark jobs run."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_SPARK_")

    master: str = Field("local[2]", description="Spark master of the jobs")
    driver_memory_mb: int = Field(1536, ge=512, description="heap of a job's driver")
    shuffle_partitions: int = Field(2, ge=1, description="partitions of a shuffle in the jobs")
    worker_threads: int = Field(2, ge=1, description="threads of the worker that predicts a batch's delays")
    submit: str = Field("", description="command line that submits jobs, in place of pyspark's own `spark-submit`")


class ProcessingSettings(Settings):
    """The minute job."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_PROCESS_")

    max_events_per_batch: int = Field(250_000, ge=1, description="events of one batch at most; a backlog takes several")
    clock_tolerance_minutes: int = Field(5, ge=0, description="an event later than its ingestion by more is rejected")
    quarantine_records: int = Field(
        50, ge=0, description="records of a batch at most that are set aside because a step fails at them"
    )


class MaintenanceSettings(Settings):
    """The hourly care of the warehouse's tables."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_MAINTENANCE_")

    snapshot_days: float = Field(1.0, gt=0, description="snapshots of a table older than this are expired")
    snapshots_kept: int = Field(5, ge=1, description="snapshots of a table that are kept however old they are")
    orphan_days: float = Field(3.0, ge=1, description="files that no snapshot knows are deleted when older than this")
    small_files: int = Field(5, ge=2, description="small files of a partition that are worth compacting")
    log_days: float = Field(
        14.0,
        ge=1,
        description="logs of servers and tasks, and Airflow's records of its runs, older than this are deleted",
    )


class ArchiveSettings(Settings):
    """When events leave the hot tier, and how."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ARCHIVE_")

    limit_mb: float = Field(300.0, gt=0, description="size of the hot tier, documents and indexes, that starts a run")
    low_water_pct: float = Field(80.0, gt=0, lt=100, description="size that a run brings it to, in % of the limit")
    window_days: float = Field(7.0, gt=0, description="days that the hot tier is meant to hold; fewer raise an alert")
    minimum_age_hours: float = Field(36.0, ge=0, description="younger events stay hot: predictions look back so far")
    run_mb: float = Field(600.0, gt=0, description="what one run moves at most; more is left to the next")
    documents_per_range: int = Field(20_000, ge=1, description="documents of a key range, which is read as one")
    file_mb: float = Field(64.0, gt=0, description="size of the Parquet files of large runs")
    settle_seconds: float = Field(10.0, ge=0, description="longest that the planning of a query may take")
    grace_seconds: float | None = Field(
        None, ge=0, description="time from publication to purge; empty: the time-out of queries"
    )
    purge_documents_per_second: int = Field(30_000, ge=1, description="documents deleted in a second at most")
    purge_batch: int = Field(1_000, ge=1, le=100_000, description="documents deleted at once")
    retention_days: float | None = Field(
        None, gt=0, description="age at which 'skytier archive expire' deletes archives; empty: never"
    )

    @model_validator(mode="after")
    def _grace(self) -> ArchiveSettings:
        if self.grace_seconds is None:
            object.__setattr__(self, "grace_seconds", float(SqlSettings().query_timeout_seconds))
        return self


class AlertSettings(Settings):
    """What operators are told of, and where: the limits that ``skytier alerts check`` compares with."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_ALERTS_")

    webhook_url: SecretStr = Field(
        SecretStr(""), description="address that alerts are posted to as JSON when raised and resolved; empty: nowhere"
    )
    webhook_timeout_seconds: float = Field(3.0, gt=0, description="longest wait for that address to answer")
    lag_records: int = Field(250_000, ge=1, description="more records than this that wait in Kafka raise an alert")
    lag_minutes: float = Field(
        15.0, gt=0, description="records that wait while the newest batch is older than this raise an alert"
    )
    quality_minutes: float = Field(60.0, gt=0, description="batches committed in this time are looked at for quality")
    quality_records: int = Field(200, ge=1, description="fewer records than this in that time say nothing of quality")
    mean_quality: float = Field(0.8, ge=0, le=1, description="a mean quality score below this raises an alert")
    rejected_pct: float = Field(5.0, ge=0, le=100, description="a share of rejected records above this raises an alert")
    down_seconds: float = Field(
        8.0, ge=0, description="a server that is down is looked at again after this; down both times raises an alert"
    )


class TrainingSettings(Settings):
    """The training of the delay model from the warehouse."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_TRAINING_")

    days: int = Field(365, ge=60, description="newest days of flights that are trained and tested on")


class FeedSettings(Settings):
    """What ``make up`` publishes: a back-fill flat out, then a live replay."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_FEED_")

    enabled: bool = Field(True, description="whether 'make up' publishes real flights at all")
    start: date = Field(date(2013, 1, 1), description="first day of the back-fill")
    backfill_days: int = Field(28, ge=0, description="days published flat out before the live replay")
    speed: float = Field(60.0, gt=0, description="flight minutes a minute of the live replay")


ALL_SETTINGS: tuple[type[Settings], ...] = (
    PortSettings,
    TlsSettings,
    KafkaSettings,
    HdfsSettings,
    MongoSettings,
    PostgresSettings,
    RedisSettings,
    SqlSettings,
    MetastoreSettings,
    AirflowSettings,
    SparkSettings,
    ProcessingSettings,
    MaintenanceSettings,
    ArchiveSettings,
    AlertSettings,
    TrainingSettings,
    FeedSettings,
    CacheSettings,
    DashboardSettings,
)

"""Which secrets each service of a stack of containers gets: the least that it works with, as data.

A service is a container, or a pod: a server, or what runs once. All of them get the certificate of the authority.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local_stack import mongodb
from skytier.kafka_clients import jaas, property_line
from skytier.settings.kafka import LOCAL_KAFKA_MECHANISM, KafkaUser

Values = Mapping[str, str]

ADDED_AIRFLOW_USERS = {"dashboard": "user", "alerts": "viewer"}
"""users of Airflow, with their roles: the dashboard starts runs, the check of alerts reads; neither is the admin"""
_POSTGRES_AIRFLOW = "SKYTIER_POSTGRES_AIRFLOW_PASSWORD"
_AIRFLOW_SERVER = (_POSTGRES_AIRFLOW, "SKYTIER_AIRFLOW_FERNET_KEY", "SKYTIER_AIRFLOW_JWT_SECRET")
_JOB = (
    "SKYTIER_HDFS_SECRET",
    "SKYTIER_KAFKA_JOB_PASSWORD",
    "SKYTIER_MONGODB_PASSWORD",
    "SKYTIER_REDIS_PASSWORD",
    "SKYTIER_SQL_PASSWORD",
)
"""what a driver needs"""
_EXECUTOR = ("SKYTIER_HDFS_SECRET", "SKYTIER_MONGODB_PASSWORD")
_SPARK = "SKYTIER_SPARK_AUTH_SECRET"
_ALL_OF_KAFKA = tuple(f"SKYTIER_KAFKA_{user.upper()}_PASSWORD" for user in sorted(KafkaUser))


def _kafka_login(values: Values) -> str:
    """For Kafka's clients in Spark, at the same path where drivers and where executors run."""
    password = values["SKYTIER_KAFKA_JOB_PASSWORD"]
    return property_line("sasl.jaas.config", jaas(LOCAL_KAFKA_MECHANISM, f"skytier-{KafkaUser.JOB}", password))


def _only(variable: str) -> Callable[[Values], str]:
    return lambda values: values[variable]


@dataclass(frozen=True)
class Service:
    """What one service gets."""

    variables: tuple[str, ...] = ()
    """of its env file, generated"""
    given: tuple[str, ...] = ()
    """of its env file where whoever makes the secrets gives them"""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """of its env file, each with the variable that has its value in the file of all"""
    settings: Mapping[str, str] = field(default_factory=dict)
    """of its env file, no secrets: what goes with them"""
    files: Mapping[str, Callable[[Values], str]] = field(default_factory=dict)
    """with a secret and nothing else, for programs that read no env file"""
    certificate: str = ""
    """the server whose key and certificate it has"""
    trusts_by_java: bool = False
    """whether it has the authority's certificate also in the form that Java's drivers want"""


GENERATED_FILES: Mapping[str, Callable[[], str]] = {"mongodb-members.key": mongodb.new_key}
"""generated once, as the passwords are, and no text for an env file"""
_LOGIN_OF_KAFKA = {"kafka-login.properties": _kafka_login}

SERVICES: Mapping[str, Service] = {
    "postgres": Service(certificate="postgres", files={"password": _only("SKYTIER_POSTGRES_PASSWORD")}),
    "namenode": Service(("SKYTIER_HDFS_SECRET",)),
    "datanode": Service(("SKYTIER_HDFS_SECRET",)),
    "metastore": Service(("SKYTIER_POSTGRES_METASTORE_PASSWORD",)),
    "mongodb": Service(
        certificate="mongodb",
        files={
            "password": _only("SKYTIER_MONGODB_ADMIN_PASSWORD"),
            "members.key": _only("mongodb-members.key"),
        },
    ),
    "kafka": Service(("SKYTIER_KAFKA_ADMIN_PASSWORD", "SKYTIER_KAFKA_MONITOR_PASSWORD"), certificate="kafka"),
    "sql": Service(
        ("SKYTIER_MONGODB_READER_PASSWORD", "SKYTIER_SQL_PASSWORD", "SKYTIER_SQL_READER_PASSWORD"),
        certificate="sql",
        trusts_by_java=True,
    ),
    "redis": Service(certificate="redis"),
    "airflow-api": Service(
        (*_AIRFLOW_SERVER, "SKYTIER_AIRFLOW_PASSWORD"),
        renamed={name: name for name in (f"SKYTIER_AIRFLOW_PASSWORD_{user.upper()}" for user in ADDED_AIRFLOW_USERS)},
        settings={"SKYTIER_AIRFLOW_USERS": ",".join(f"{user}:{role}" for user, role in ADDED_AIRFLOW_USERS.items())},
    ),
    "airflow-scheduler": Service(_AIRFLOW_SERVER),
    "airflow-dags": Service(_AIRFLOW_SERVER),
    "dashboard": Service(
        (
            "SKYTIER_DASHBOARD_OPERATOR_TOKEN",
            "SKYTIER_HDFS_SECRET",
            "SKYTIER_KAFKA_MONITOR_PASSWORD",
            "SKYTIER_MONGODB_DASHBOARD_PASSWORD",
            "SKYTIER_POSTGRES_MONITOR_PASSWORD",
            "SKYTIER_REDIS_PASSWORD",
            "SKYTIER_SQL_READER_PASSWORD",
        ),
        given=("SKYTIER_DASHBOARD_VIEWER_PASSWORD", "SKYTIER_DASHBOARD_OPERATOR_PASSWORD"),
        renamed={"SKYTIER_AIRFLOW_PASSWORD": "SKYTIER_AIRFLOW_PASSWORD_DASHBOARD"},
        settings={"SKYTIER_AIRFLOW_USER": "dashboard"},
    ),
    "feed": Service(("SKYTIER_KAFKA_PRODUCER_PASSWORD", "SKYTIER_MONGODB_READER_PASSWORD")),
    "airflow-worker": Service(
        (
            *_JOB,
            _POSTGRES_AIRFLOW,
            _SPARK,
            "SKYTIER_AIRFLOW_JWT_SECRET",
            "SKYTIER_KAFKA_MONITOR_PASSWORD",
            "SKYTIER_POSTGRES_MONITOR_PASSWORD",
            "SKYTIER_SQL_READER_PASSWORD",
        ),
        given=("SKYTIER_ALERTS_WEBHOOK_URL",),
        renamed={"SKYTIER_AIRFLOW_PASSWORD": "SKYTIER_AIRFLOW_PASSWORD_ALERTS"},
        settings={"SKYTIER_AIRFLOW_USER": "alerts"},
        files=_LOGIN_OF_KAFKA,
    ),
    "spark-master": Service((_SPARK,)),
    "spark-worker": Service((*_EXECUTOR, _SPARK), files=_LOGIN_OF_KAFKA),
    # What runs once: the configuration of official images, and all set-up.
    "config": Service(("SKYTIER_REDIS_ADMIN_PASSWORD", "SKYTIER_REDIS_PASSWORD")),
    "bootstrap": Service(
        (
            *_ALL_OF_KAFKA,
            *(f"SKYTIER_MONGODB_{user}PASSWORD" for user in ("", "ADMIN_", "DASHBOARD_", "READER_")),
            *(f"SKYTIER_POSTGRES_{user}PASSWORD" for user in ("", "AIRFLOW_", "METASTORE_", "MONITOR_")),
            "SKYTIER_HDFS_SECRET",
            "SKYTIER_REDIS_PASSWORD",
            "SKYTIER_SQL_PASSWORD",
            "SKYTIER_SQL_READER_PASSWORD",
            _SPARK,
        ),
        files=_LOGIN_OF_KAFKA,
    ),
    # Drivers and executors that are pods of their own, on Kubernetes.
    "spark": Service(_JOB, files=_LOGIN_OF_KAFKA | {"spark.secret": _only(_SPARK)}),
}

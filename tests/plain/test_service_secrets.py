"""The secrets of a stack of containers: each service gets what it needs, nobody else reads it, none is made twice."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509
from dotenv import dotenv_values

from local_stack import authority, secret_files, servers
from local_stack.environment import GENERATED
from local_stack.service_secrets import SERVICES
from skytier.errors import TerminalError
from skytier.kafka_clients import jaas
from skytier.settings.index import ALL_SETTINGS
from skytier.settings.mongodb import MongoSettings
from tests import commands
from tests.plain.test_certificates import handshake

pytestmark = pytest.mark.plain

OF_IMAGES = {"postgres", "mongodb", "redis"}
"""whose programs read no env file"""
DOES_ALL = {"bootstrap"}
# Who may hold what: the login of all rights of a server, and what is signed with or acts in the name of others.
HOLDERS: Mapping[str, set[str]] = {
    "SKYTIER_MONGODB_ADMIN_PASSWORD": {"mongodb"},
    "SKYTIER_POSTGRES_PASSWORD": {"postgres"},
    "SKYTIER_POSTGRES_METASTORE_PASSWORD": {"metastore"},
    "SKYTIER_POSTGRES_AIRFLOW_PASSWORD": {"airflow-api", "airflow-scheduler", "airflow-dags", "airflow-worker"},
    "SKYTIER_KAFKA_ADMIN_PASSWORD": {"kafka"},
    "SKYTIER_KAFKA_OPERATOR_PASSWORD": set(),
    "SKYTIER_KAFKA_PRODUCER_PASSWORD": {"feed"},
    "SKYTIER_REDIS_ADMIN_PASSWORD": {"config"},
    "SKYTIER_AIRFLOW_PASSWORD": {"airflow-api"},
    "SKYTIER_AIRFLOW_FERNET_KEY": {"airflow-api", "airflow-scheduler", "airflow-dags"},
    "SKYTIER_AIRFLOW_JWT_SECRET": {"airflow-api", "airflow-scheduler", "airflow-dags", "airflow-worker"},
    "SKYTIER_DASHBOARD_OPERATOR_TOKEN": {"dashboard"},
    "SKYTIER_MONGODB_PASSWORD": {"airflow-worker", "spark-worker", "spark"},
    "SKYTIER_MONGODB_DASHBOARD_PASSWORD": {"dashboard"},
    "SKYTIER_MONGODB_READER_PASSWORD": {"feed", "sql"},
    "SKYTIER_SQL_PASSWORD": {"sql", "airflow-worker", "spark"},
    "SKYTIER_KAFKA_JOB_PASSWORD": {"airflow-worker", "spark-worker", "spark"},
    "SKYTIER_SPARK_AUTH_SECRET": {"airflow-worker", "spark-master", "spark-worker", "spark"},
}


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SKYTIER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secret_files.write(tmp_path / "secrets")
    return tmp_path / "secrets"


def env(folder: Path, service: str) -> dict[str, str]:
    return {name: value for name, value in dotenv_values(folder / service / "skytier.env").items() if value}


def content(folder: Path, service: str) -> str:
    """All that a service gets."""
    return "\n".join(
        file.read_text() for file in sorted((folder / service).rglob("*")) if file.suffix != ".p12" and file.is_file()
    )


def everything(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_server_is_a_service() -> None:
    assert SERVICES.keys() == {*servers.LOCAL, *servers.OF_CLUSTERS, "config", "bootstrap", "spark"}


@pytest.mark.parametrize("variable", HOLDERS)
def test_no_service_gets_a_secret_that_it_does_not_need(folder: Path, variable: str) -> None:
    value = dotenv_values(folder / "stack.env")[variable]
    assert value
    found = {service for service in SERVICES if value in content(folder, service)}
    assert found - DOES_ALL == HOLDERS[variable]


def test_set_up_signs_in_nobody_to_airflow_or_the_dashboard(folder: Path) -> None:
    given = env(folder, "bootstrap")
    assert not [name for name in given if "REDIS_ADMIN" in name or name.startswith(("SKYTIER_AIRFLOW", "SKYTIER_DASH"))]


def test_the_dashboard_is_no_admin(folder: Path) -> None:
    given, all_of_them = env(folder, "dashboard"), dotenv_values(folder / "stack.env")
    assert not [
        name for name in given if "ADMIN" in name or name in ("SKYTIER_SQL_PASSWORD", "SKYTIER_MONGODB_PASSWORD")
    ]
    assert given["SKYTIER_AIRFLOW_USER"] == "dashboard"
    assert given["SKYTIER_AIRFLOW_PASSWORD"] == all_of_them["SKYTIER_AIRFLOW_PASSWORD_DASHBOARD"]
    assert given["SKYTIER_AIRFLOW_PASSWORD"] != all_of_them["SKYTIER_AIRFLOW_PASSWORD"]
    assert "dashboard:user" in env(folder, "airflow-api")["SKYTIER_AIRFLOW_USERS"].split(",")


def test_what_runs_no_code_of_ours_gets_plain_files(folder: Path) -> None:
    all_of_them = dotenv_values(folder / "stack.env")
    assert [service for service in OF_IMAGES if env(folder, service)] == []
    assert (folder / "postgres" / "password").read_text() == all_of_them["SKYTIER_POSTGRES_PASSWORD"]
    assert (folder / "mongodb" / "password").read_text() == all_of_them["SKYTIER_MONGODB_ADMIN_PASSWORD"]
    assert len((folder / "mongodb" / "members.key").read_text()) > 100


def test_executors_and_drivers_find_the_same_login_of_kafka(folder: Path) -> None:
    password = str(dotenv_values(folder / "stack.env")["SKYTIER_KAFKA_JOB_PASSWORD"])
    login = f"sasl.jaas.config={jaas('SCRAM-SHA-256', 'skytier-job', password)}\n"
    for service in ("airflow-worker", "spark-worker", "bootstrap", "spark"):
        assert (folder / service / "kafka-login.properties").read_text() == login
    assert "SKYTIER_KAFKA_JOB_PASSWORD" not in env(folder, "spark-worker")


def test_only_a_server_has_its_key(folder: Path) -> None:
    holders = {
        str(file.relative_to(folder)) for file, found in everything(folder).items() if b"PRIVATE KEY" in found
    } - {str(file.relative_to(folder)) for file in (folder / "authority").iterdir()}
    assert holders == {f"{server}/tls/{server}.pem" for server in ("kafka", "mongodb", "postgres", "redis", "sql")}
    assert [service for service in SERVICES if not (folder / service / "tls" / "ca.pem").exists()] == []
    assert (folder / "sql" / "tls" / "ca.p12").exists()


@pytest.mark.parametrize(
    ("server", "names"),
    [
        ("kafka", ["kafka", "kafka-1", "kafka-3", "localhost", "127.0.0.1"]),
        ("mongodb", ["mongodb", "mongodb-2"]),
        ("sql", ["sql", "sql-2"]),
        ("postgres", ["postgres"]),
        ("redis", ["redis"]),
    ],
)
def test_a_certificate_has_the_names_of_its_own_service(folder: Path, server: str, names: list[str]) -> None:
    for name in names:
        assert handshake(folder / server / "tls" / f"{server}.pem", folder / "feed" / "tls" / "ca.pem", name)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(folder / server / "tls" / f"{server}.pem", folder / "feed" / "tls" / "ca.pem", "airflow-api")


def test_a_second_time_nothing_changes(folder: Path) -> None:
    before = everything(folder)
    assert secret_files.write(folder) == []
    assert everything(folder) == before


def test_what_is_missing_is_made_and_what_is_there_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(folder)
    gone = [folder / "redis" / "tls" / "redis.pem", folder / "sql" / "skytier.env", folder / "postgres" / "password"]
    for file in gone:
        file.unlink()
    own = folder / "dashboard" / "skytier.env"
    own.write_text("SKYTIER_DASHBOARD_REFRESH_SECONDS=5\nSKYTIER_SQL_READER_PASSWORD=mine\n")
    monkeypatch.setenv("SKYTIER_MONGODB_PASSWORD", "another")
    assert set(secret_files.write(folder)) == {*gone, own}
    after = everything(folder)
    assert {file for file in before if before[file] != after[file]} == {own}
    mine = {"SKYTIER_DASHBOARD_REFRESH_SECONDS": "5", "SKYTIER_SQL_READER_PASSWORD": "mine"}
    assert env(folder, "dashboard").items() > mine.items()
    assert env(folder, "dashboard").keys() > set(SERVICES["dashboard"].variables)


def test_a_new_name_renews_certificates_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(folder)
    monkeypatch.setenv("SKYTIER_HOST_KAFKA", "kafka-0.kafka,kafka-1.kafka")
    written = secret_files.write(folder)
    assert set(written) == {folder / "authority" / "kafka.pem", folder / "kafka" / "tls" / "kafka.pem"}
    names = authority.names_of(x509.load_pem_x509_certificate((folder / "kafka" / "tls" / "kafka.pem").read_bytes()))
    assert {"kafka", "kafka-0.kafka", "kafka-1.kafka"} <= set(names)
    secret_files.write(folder, ["stack.example.org"])
    assert handshake(folder / "sql" / "tls" / "sql.pem", folder / "authority" / "ca.pem", "stack.example.org")
    after = everything(folder)
    assert {file.suffix for file in before if before[file] != after[file]} == {".pem"}
    assert before[folder / "authority" / "ca.pem"] == after[folder / "authority" / "ca.pem"]


def test_nobody_else_may_read_them(folder: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    of_folders = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()}
    assert (modes, of_folders) == ({0o600}, {0o700})


def test_what_is_given_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_SQL_PASSWORD", "chosen by hand")
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_URL", "https://hooks.example.org/1")
    secret_files.write(tmp_path)
    assert "chosen by hand" in env(tmp_path, "sql").values()
    assert env(tmp_path, "airflow-worker")["SKYTIER_ALERTS_WEBHOOK_URL"] == "https://hooks.example.org/1"
    assert "SKYTIER_ALERTS_WEBHOOK_URL" not in env(tmp_path, "dashboard")
    monkeypatch.delenv("SKYTIER_SQL_PASSWORD")
    monkeypatch.delenv("SKYTIER_ALERTS_WEBHOOK_URL")
    assert secret_files.write(tmp_path) == []


def test_secrets_differ_from_each_other_and_from_another_stacks(folder: Path, tmp_path: Path) -> None:
    secret_files.write(tmp_path / "another")
    first, second = (dotenv_values(one / "stack.env") for one in (folder, tmp_path / "another"))
    assert len({*first.values(), *second.values()}) == len(first) + len(second)
    assert first.keys() >= GENERATED.keys()


def test_the_settings_read_what_a_service_gets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_ENV_FILE", str(folder / "airflow-worker" / "skytier.env"))
    assert MongoSettings().connection_string()
    with pytest.raises(TerminalError, match="SKYTIER_MONGODB_READER_PASSWORD is not set"):
        MongoSettings().reader_connection_string()


def test_every_variable_is_a_setting(folder: Path) -> None:
    known = {f"{kind.model_config['env_prefix']}{name}".upper() for kind in ALL_SETTINGS for name in kind.model_fields}
    found = {name for service in SERVICES for name in env(folder, service)}
    assert {name for name in found - known if not name.startswith("SKYTIER_AIRFLOW_PASSWORD_")} == set()


def test_the_command_says_what_it_wrote_and_no_secret(tmp_path: Path) -> None:
    first = commands.run(("stack", "secrets", str(tmp_path)), {}, 60)
    assert first.returncode == 0, first.stderr
    assert f"wrote {tmp_path}/kafka/skytier.env" in first.stdout
    values = [value for value in dotenv_values(tmp_path / "stack.env").values() if value]
    assert not [value for value in values if value in first.stdout + first.stderr]
    again = commands.run(("stack", "secrets", str(tmp_path)), {}, 60)
    assert again.stdout == f"All secrets are in {tmp_path} already.\n"

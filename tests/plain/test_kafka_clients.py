"""How clients of each kind log in to Kafka: on the local stack, and elsewhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier import kafka_clients
from skytier.errors import TerminalError
from skytier.settings.kafka import KafkaSettings, KafkaUser

pytestmark = pytest.mark.plain

ELSEWHERE = {"SKYTIER_KAFKA_BOOTSTRAP_SERVERS": "broker.example:9092"}
OURS = {"SKYTIER_KAFKA_USER": "ours", "SKYTIER_KAFKA_PASSWORD": "a secret"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack whose users have passwords."""
    monkeypatch.setenv("SKYTIER_HOME", str(tmp_path))
    for name in (*ELSEWHERE, *OURS):
        monkeypatch.delenv(name, raising=False)
    passwords = "".join(f"SKYTIER_KAFKA_{user.upper()}_PASSWORD={user}-secret\n" for user in KafkaUser)
    (tmp_path / "stack.env").write_text(passwords)
    return tmp_path


def set_all(monkeypatch: pytest.MonkeyPatch, *settings: dict[str, str]) -> None:
    for name, value in (pair for one in settings for pair in one.items()):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("user", KafkaUser)
def test_each_part_has_its_own_user_on_the_local_stack(user: KafkaUser, monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, OURS)  # for brokers elsewhere
    found = kafka_clients.config(user)
    assert found["security.protocol"] == "SASL_PLAINTEXT"
    assert found["sasl.mechanism"].startswith("SCRAM-")
    assert (found["sasl.username"], found["sasl.password"]) == (f"skytier-{user}", f"{user}-secret")


def test_brokers_elsewhere_are_asked_as_before_where_there_is_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, ELSEWHERE)
    only = {"bootstrap.servers": "broker.example:9092", "security.protocol": "PLAINTEXT"}
    assert kafka_clients.config(KafkaUser.JOB) == only
    assert kafka_clients.spark_options(KafkaUser.JOB) == {f"kafka.{name}": value for name, value in only.items()}


def test_a_user_elsewhere_logs_in_over_tls_unless_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_all(monkeypatch, ELSEWHERE, OURS, {"SKYTIER_KAFKA_CA_FILE": "/etc/ca.pem"})
    assert kafka_clients.config(KafkaUser.JOB) == {
        "bootstrap.servers": "broker.example:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ours",
        "sasl.password": "a secret",
        "ssl.ca.location": "/etc/ca.pem",
    }
    options = kafka_clients.spark_options(KafkaUser.JOB)
    assert options["kafka.ssl.truststore.location"] == "/etc/ca.pem"
    set_all(monkeypatch, {"SKYTIER_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SKYTIER_KAFKA_SASL_MECHANISM": "PLAIN"})
    assert kafka_clients.config(KafkaUser.JOB)["security.protocol"] == "SASL_PLAINTEXT"
    kafka_clients.spark_options(KafkaUser.JOB)
    assert "plain.PlainLoginModule" in (tmp_path / "conf" / "kafka-job.properties").read_text()


def test_spark_gets_a_file_with_the_password_and_no_password(home: Path) -> None:
    options = kafka_clients.spark_options(KafkaUser.JOB)
    file = home / "conf" / "kafka-job.properties"
    assert options["kafka.sasl.jaas.config"] == f"${{file:{file}:sasl.jaas.config}}"
    assert "job-secret" not in str(options)
    assert "job-secret" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (home / "stack.env").write_text("SKYTIER_KAFKA_JOB_PASSWORD=another\n")
    kafka_clients.spark_options(KafkaUser.JOB)
    assert 'password="another"' in file.read_text()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_cluster_has_its_own_file(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("SKYTIER_KAFKA_SPARK_LOGIN_FILE", "/etc/skytier/kafka.properties")
    jaas = kafka_clients.spark_options(KafkaUser.JOB)["kafka.sasl.jaas.config"]
    assert jaas == "${file:/etc/skytier/kafka.properties:sasl.jaas.config}"
    assert not (home / "conf").exists()


def test_who_has_no_password_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "stack.env").unlink()
    with pytest.raises(TerminalError, match=r"SKYTIER_KAFKA_PRODUCER_PASSWORD is not set.*make up"):
        KafkaSettings().login(KafkaUser.PRODUCER)
    set_all(monkeypatch, ELSEWHERE, {"SKYTIER_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"})
    with pytest.raises(TerminalError, match=r"SKYTIER_KAFKA_USER and SKYTIER_KAFKA_PASSWORD.*broker\.example"):
        kafka_clients.config(KafkaUser.PRODUCER)


def test_settings_in_logs_show_no_password() -> None:
    assert "secret" not in f"{KafkaSettings()!r} {KafkaSettings()}"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1))
def test_a_line_of_properties_is_ascii_and_one_line(password: str) -> None:
    line = kafka_clients.property_line("sasl.jaas.config", kafka_clients.jaas("PLAIN", "a", password))
    assert line.isascii()
    assert line.count("\n") == 1


def test_the_local_stack_is_asked_over_tls_where_that_is_set(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """By its own authority, whatever that of brokers elsewhere is; those are asked as their own settings say."""
    (home / "tls").mkdir()
    own = home / "tls" / "ca.pem"
    own.touch()
    set_all(monkeypatch, {"SKYTIER_TLS_ENABLED": "1", "SKYTIER_KAFKA_CA_FILE": "/etc/ca.pem"})
    found = kafka_clients.config(KafkaUser.JOB)
    assert (found["security.protocol"], found["ssl.ca.location"]) == ("SASL_SSL", str(own))
    options = kafka_clients.spark_options(KafkaUser.JOB)
    assert options["kafka.ssl.truststore.location"] == str(own)
    set_all(monkeypatch, ELSEWHERE)
    found = kafka_clients.config(KafkaUser.JOB)
    assert (found["security.protocol"], found["ssl.ca.location"]) == ("PLAINTEXT", "/etc/ca.pem")

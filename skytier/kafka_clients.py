"""How clients reach Kafka and log in: one function for each kind of client."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from skytier.settings.base import home, stack_env_file
from skytier.settings.kafka import KafkaSettings, KafkaUser

_LOGIN_MODULES = {"SCRAM": "scram.ScramLoginModule", "PLAIN": "plain.PlainLoginModule"}
_JAAS = "sasl.jaas.config"


def config(user: KafkaUser, settings: KafkaSettings | None = None) -> dict[str, Any]:
    """What every client of confluent-kafka is made with; holds a password, so never log it.

    Raises TerminalError where there is none.
    """
    settings = settings or KafkaSettings()
    found = _common(settings)
    if _logs_in(settings):
        mechanism, name, password = settings.login(user)
        found |= {"sasl.mechanism": mechanism, "sasl.username": name, "sasl.password": password}
    if authority := settings.authority():
        found["ssl.ca.location"] = authority
    return found


def spark_options(user: KafkaUser, settings: KafkaSettings | None = None) -> dict[str, str]:
    """Options of a Spark source or sink.

    Without a password, which plans and pages would be asked for: Kafka's client itself reads it from a file. Raises
    TerminalError where there is none.
    """
    settings = settings or KafkaSettings()
    found = java_properties(settings)
    if _logs_in(settings):
        mechanism, name, password = settings.login(user)
        file = settings.spark_login_file or str(_kept_login(user, jaas(mechanism, name, password)))
        found |= {
            "sasl.mechanism": mechanism,
            "config.providers": "file",
            "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
            _JAAS: f"${{file:{file}:{_JAAS}}}",
        }
    return {f"kafka.{name}": value for name, value in found.items()}


def java_properties(settings: KafkaSettings) -> dict[str, str]:
    """What every Java client has among its properties beside its login."""
    found = _common(settings)
    if authority := settings.authority():
        found |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": authority}
    return found


def jaas(mechanism: str, name: str, password: str, **others: str) -> str:
    """How a Java client, or a broker, logs in; ``others`` are further options of the login module."""
    module = _LOGIN_MODULES[mechanism.partition("-")[0]]
    options = {"username": name, "password": password} | others
    quoted = " ".join(f"{option}={_quoted(value)}" for option, value in options.items())
    return f"org.apache.kafka.common.security.{module} required {quoted};"


def property_line(name: str, value: object) -> str:
    """A line of a properties file, as Java reads it whatever the encoding."""
    escaped = str(value).replace("\\", "\\\\")
    return f"{name}={''.join(c if c.isascii() else _escaped(c) for c in escaped)}\n"


class Login:
    """The login of one client, which hears beside its questions that it was refused: they only stay without an answer.

    ``told`` gets all that the client says of itself.
    """

    def __init__(
        self, user: KafkaUser, settings: KafkaSettings | None = None, told: Callable[[KafkaError], None] | None = None
    ) -> None:
        self._settings = settings or KafkaSettings()
        self._told = told
        self._refusal: KafkaError | None = None
        self.config = config(user, self._settings) | {"error_cb": self._listen}

    def _listen(self, error: KafkaError) -> None:
        if error.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL):
            self._refusal = error
        if self._told is not None:
            self._told(error)

    def why(self, client: AdminClient | Consumer | Producer, error: KafkaException) -> str:
        """Why a client has no answer, and what to do: a sentence without its end."""
        return self.refusal(client) or (
            f"Kafka at {self._settings.bootstrap_servers} does not answer ({error.args[0].str()}): see 'skytier stack "
            "status', or check SKYTIER_KAFKA_BOOTSTRAP_SERVERS"
        )

    def refusal(self, client: AdminClient | Consumer | Producer) -> str | None:
        """The same where the login was refused; None where it was not, so far."""
        client.poll(0)
        refusal, self._refusal = self._refusal, None
        if refusal is None:
            return None
        servers = self._settings.bootstrap_servers
        if refusal.code() == KafkaError._SSL:
            said = refusal.str().partition(":error:")[2] or refusal.str()
            named_by = "SKYTIER_TLS_CA_FILE" if self._settings.is_local else "SKYTIER_KAFKA_CA_FILE"
            return f"Kafka at {servers} speaks no TLS, or its certificate is not trusted ({said}): see {named_by}"
        where = str(stack_env_file()) if self._settings.is_local else "SKYTIER_KAFKA_USER and SKYTIER_KAFKA_PASSWORD"
        name = self.config["sasl.username"]
        return f"Kafka at {servers} refuses {name} or its password: see {where}"


def _common(settings: KafkaSettings) -> dict[str, str]:
    return {"bootstrap.servers": settings.bootstrap_servers, "security.protocol": settings.security_protocol}


def _logs_in(settings: KafkaSettings) -> bool:
    return settings.security_protocol.startswith("SASL")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(character: str) -> str:
    """As Java writes it, which knows units of 16 bits."""
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _kept_login(user: KafkaUser, login: str) -> Path:
    """The file that holds a login, for its owner only; it stays for the jobs that come."""
    path, line = home() / "conf" / f"kafka-{user}.properties", property_line(_JAAS, login)
    if not path.exists() or path.read_text() != line:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made with mode 600, and in one step: a job may be reading the one before.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.", delete=False) as aside:
            aside.write(line)
        Path(aside.name).replace(path)
    return path

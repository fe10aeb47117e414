"""The users of Kafka: each may do what its part needs, and one, for the broker itself and set-up, everything."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator

import stamina
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from confluent_kafka.cimpl import KafkaError, KafkaException

from skytier.kafka_clients import jaas
from skytier.settings.hosts import BindSettings
from skytier.settings.kafka import LOCAL_KAFKA_MECHANISM, KafkaSettings, KafkaUser
from skytier.settings.tls import TlsSettings

# The least that Kafka takes. Passwords are random: no number of rounds makes them harder to guess.
_ITERATIONS = 4096
_DIGESTS = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
_ANYBODYS = "*"
_TIMEOUT_SECONDS = 10
_PASSING = {
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NOT_CONTROLLER,
}

_Right = tuple[ResourceType, str, ResourcePatternType, tuple[AclOperation, ...]]


def first_credential(settings: KafkaSettings) -> str:
    """What the tool that formats a data folder is told of the user for set-up; as good as its password."""
    mechanism, name, password = settings.login(KafkaUser.ADMIN)
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac(_DIGESTS[mechanism], password.encode(), salt, _ITERATIONS)
    shown = {"salt": salt, "saltedpassword": salted}
    values = ",".join(f'{key}="{base64.b64encode(value).decode()}"' for key, value in shown.items())
    return f"{mechanism}=[name={name},iterations={_ITERATIONS},{values}]"


def is_passing(error: Exception) -> bool:
    """Whether a broker that is busy, or a change of the controller, may be all that is wrong."""
    return isinstance(error, KafkaException) and error.args[0].code() in _PASSING


@stamina.retry(on=is_passing, attempts=None, timeout=60, wait_initial=0.5)
def ensure(admin: AdminClient, settings: KafkaSettings) -> None:
    """Make the users, or give those that are there their passwords and rights; what more they have stays."""
    credential = ScramCredentialInfo(_mechanism(), _ITERATIONS)
    changes: list[UserScramCredentialAlteration] = []
    for user in KafkaUser:
        _, name, password = settings.login(user)
        changes.append(UserScramCredentialUpsertion(name, credential, password.encode()))
    for changed in admin.alter_user_scram_credentials(changes, request_timeout=_TIMEOUT_SECONDS).values():
        changed.result()
    wanted = [binding for user in KafkaUser for binding in _bindings(user, settings)]
    for made in admin.create_acls(wanted, request_timeout=_TIMEOUT_SECONDS).values():
        made.result()


def server_properties(settings: KafkaSettings, *, has_users: bool) -> dict[str, str]:
    """How the broker asks for users, and logs in to itself.

    Its users are in the log that the controller itself serves, which therefore knows one by its own properties (PLAIN).
    So does the broker while a log of an earlier version ``has_users`` not.
    """
    _, name, password = settings.login(KafkaUser.ADMIN)
    controller = "SASL_SSL" if "CONTROLLER" in tls_listeners() else "SASL_PLAINTEXT"
    plain = jaas("PLAIN", name, password, **{f"user_{name}": password})
    own = LOCAL_KAFKA_MECHANISM if has_users else "PLAIN"
    return {
        "listener.security.protocol.map": f"CLIENT:{settings.security_protocol},CONTROLLER:{controller}",
        "inter.broker.listener.name": "CLIENT",
        "sasl.mechanism.inter.broker.protocol": own,
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.client.sasl.enabled.mechanisms": ",".join(dict.fromkeys((LOCAL_KAFKA_MECHANISM, own))),
        f"listener.name.client.{LOCAL_KAFKA_MECHANISM.lower()}.sasl.jaas.config": jaas(
            LOCAL_KAFKA_MECHANISM, name, password
        ),
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{name}",
    } | ({} if has_users else {"listener.name.client.plain.sasl.jaas.config": plain})


def tls_listeners() -> tuple[str, ...]:
    """The listeners that speak TLS only: where the controller listens on loopback, it speaks to itself."""
    if not TlsSettings().enabled:
        return ()
    return ("CLIENT",) if BindSettings().is_loopback else ("CLIENT", "CONTROLLER")


def _mechanism() -> ScramMechanism:
    return ScramMechanism[LOCAL_KAFKA_MECHANISM.replace("-", "_")]


def _rights(settings: KafkaSettings) -> dict[KafkaUser, tuple[_Right, ...]]:
    """What each may do; what it may write, read or change it may also describe."""
    events = ResourceType.TOPIC, settings.topic, ResourcePatternType.LITERAL
    rejected = ResourceType.TOPIC, settings.dead_letter_topic, ResourcePatternType.LITERAL
    states = ResourceType.TOPIC, settings.states_topic, ResourcePatternType.LITERAL
    invalid_states = ResourceType.TOPIC, settings.invalid_states_topic, ResourcePatternType.LITERAL
    does = AclOperation
    cares = (does.CREATE, does.DELETE, does.ALTER, does.ALTER_CONFIGS, does.READ)
    return {
        KafkaUser.PRODUCER: (
            *((*topic, (does.WRITE,)) for topic in (events, states, invalid_states)),
            (ResourceType.TRANSACTIONAL_ID, *_named_after(KafkaUser.PRODUCER), (does.WRITE,)),
        ),
        KafkaUser.JOB: (
            (*events, (does.READ,)),
            (*rejected, (does.WRITE,)),
            (ResourceType.GROUP, *_named_after(KafkaUser.JOB), (does.READ,)),
        ),
        KafkaUser.OPERATOR: (
            *((*topic, cares) for topic in (events, rejected, states, invalid_states)),
            (ResourceType.GROUP, *_named_after(KafkaUser.OPERATOR), (does.READ,)),
        ),
        KafkaUser.MONITOR: (
            (*events, (does.DESCRIBE,)),
            (ResourceType.GROUP, *_named_after(KafkaUser.MONITOR), (does.DESCRIBE,)),
        ),
        KafkaUser.ADMIN: (),
    }


def _named_after(user: KafkaUser) -> tuple[str, ResourcePatternType]:
    """Groups and transactions whose names begin with the user's."""
    return f"skytier-{user}", ResourcePatternType.PREFIXED


def _bindings(user: KafkaUser, settings: KafkaSettings) -> Iterator[AclBinding]:
    _, name, _ = settings.login(user)
    for kind, resource, pattern, operations in _rights(settings)[user]:
        for operation in operations:
            yield AclBinding(kind, resource, pattern, f"User:{name}", _ANYBODYS, operation, AclPermissionType.ALLOW)

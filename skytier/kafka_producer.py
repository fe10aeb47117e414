"""A producer that loses nothing in silence: all replicas acknowledge each record, or an error is raised."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from skytier import logs
from skytier.errors import TerminalError, TransientError
from skytier.kafka_clients import Login
from skytier.settings.kafka import KafkaSettings, KafkaUser

_CONNECT_TIMEOUT_SECONDS = 10


class RecordProducer:
    """A producer of some topics. ``topics`` are their names, each with the setting that it is from.

    ``advice`` ends the message of a delivery that failed. Raises TransientError if no broker answers or a delivery
    fails, TerminalError if a topic does not exist.
    """

    def __init__(
        self, topics: Mapping[str, str], kafka: KafkaSettings, client_id: str, *, timeout_seconds: float, advice: str
    ) -> None:
        self._topics, self._advice = topics, advice
        self._servers = kafka.bootstrap_servers
        self._failed = 0
        self._first_failure = ""
        self._last_error: int | None = None
        self.is_dead = False
        """whether the client met an error after which it sends nothing any more; another one has to be made"""
        self._login = Login(KafkaUser.PRODUCER, kafka, self._on_error)
        self._producer = Producer(
            {
                **self._login.config,
                "client.id": client_id,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "linger.ms": 20,
                "batch.size": 512 * 1024,
                "queue.buffering.max.messages": 200_000,
                "queue.buffering.max.kbytes": 256 * 1024,
                "message.timeout.ms": int(timeout_seconds * 1000),
                "delivery.report.only.error": True,
                "on_delivery": self._on_failure,
                "log_level": 2,  # errors are told to _on_error
            }
        )
        self._log = logs.logger("publisher")
        self._check_topics()

    def _check_topics(self) -> None:
        try:
            known = self._producer.list_topics(timeout=_CONNECT_TIMEOUT_SECONDS).topics
        except KafkaException as error:
            raise TransientError(f"{self._login.why(self._producer, error)}.") from error
        for topic, setting in self._topics.items():
            if topic not in known:
                raise TerminalError(
                    f"Kafka at {self._servers} has no topic {topic} ({setting}) that this user may see: start the "
                    "stack with 'make up', which creates it, or create it and allow this user to write to it."
                )

    def _on_error(self, error: KafkaError) -> None:
        self.is_dead = self.is_dead or error.fatal()
        if error.code() != self._last_error:  # a broker that is down is tried several times a second
            self._last_error = error.code()
            self._log.warning("kafka client", error=error.str(), fatal=error.fatal())

    def _on_failure(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed += 1
            self._first_failure = self._first_failure or error.str()

    def send(self, topic: str, key: str | None, value: bytes) -> None:
        """Hand over a record; waits while the queue is full. It may be sent, or fail, later."""
        while True:
            try:
                self._producer.produce(topic, key=key, value=value)
                break
            except BufferError:
                self._producer.poll(0.1)
                self._raise_failures()
            except KafkaException as error:
                raise TransientError(
                    f"Kafka's client does not take a record of {len(value):,} bytes for topic {topic} "
                    f"({error.args[0].str()}). {self._advice}"
                ) from error

    def serve(self) -> None:
        """Hear what became of records. Raises TransientError if some failed."""
        self._producer.poll(0)
        self._raise_failures()

    def acknowledge(self) -> None:
        """Wait until each record that was handed over is acknowledged. Raises TransientError if some failed."""
        self._producer.flush()
        self._raise_failures()

    def _raise_failures(self) -> None:
        if self._failed:
            failed, reason = self._failed, self._first_failure
            self._failed, self._first_failure = 0, ""
            raise TransientError(
                f"Kafka at {self._servers} did not accept {failed} records of topic {', '.join(self._topics)}: "
                f"{reason}. {self._advice}"
            )

"""State vectors on their way to Kafka: valid ones to one topic, the others with their reasons to another."""

from __future__ import annotations

import orjson

from opensky.answers import States
from skytier.kafka_producer import RecordProducer
from skytier.settings.kafka import KafkaSettings

_TIMEOUT_SECONDS = 30.0


class StatesPublisher:
    """A producer of both topics, made again where it met an error that it does not survive."""

    def __init__(self, kafka: KafkaSettings, source: str) -> None:
        self._kafka, self._source = kafka, source
        self._producer: RecordProducer | None = None

    def publish(self, states: States) -> None:
        """Publish the rows of an answer, and wait until all replicas have them.

        Raises TransientError where Kafka does not answer or accept them, TerminalError where a topic is missing.
        """
        producer = self.producer()
        for event in states.valid:
            producer.send(self._kafka.states_topic, event["icao24"], orjson.dumps(event))
        for one in states.invalid:
            record = states.invalid_record(one, self._source)
            producer.send(self._kafka.invalid_states_topic, one.key, record)
        producer.acknowledge()

    def producer(self) -> RecordProducer:
        """The producer, made where there is none that works. Raises as ``publish`` does."""
        if self._producer is None or self._producer.is_dead:
            topics = {
                self._kafka.states_topic: "SKYTIER_KAFKA_STATES_TOPIC",
                self._kafka.invalid_states_topic: "SKYTIER_KAFKA_INVALID_STATES_TOPIC",
            }
            self._producer = RecordProducer(
                topics,
                self._kafka,
                "skytier-opensky",
                timeout_seconds=_TIMEOUT_SECONDS,
                advice="See 'skytier stack status'; the next poll tries again.",
            )
        return self._producer

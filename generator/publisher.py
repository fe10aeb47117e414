"""Publish records to Kafka. All replicas acknowledge each record; a lost record raises an error."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from generator.records import Record
from skytier import logs
from skytier.kafka_producer import RecordProducer
from skytier.settings.kafka import KafkaSettings
from skytier.times import timestamp_text

DELIVERY_TIMEOUT_SECONDS = 120
_ACKNOWLEDGE_SECONDS = 2.0
_PROGRESS_SECONDS = 5.0

OnAcknowledged = Callable[[Record], None]
OnProgress = Callable[["Report", float], None]
"""Called with the report so far and the seconds since the start."""


@dataclass
class Report:
    """Counts of the records that were sent and acknowledged."""

    topic: str
    sent: int = 0
    by_event_type: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    first_event_time: int | None = None
    last_event_time: int | None = None
    stopped: bool = False

    def add(self, batch: list[Record]) -> None:
        """Count a batch. ``first_event_time`` is the oldest, ``last_event_time`` the newest."""
        self.sent += len(batch)
        self.by_event_type.update(record.event_type for record in batch)
        self.by_kind.update(record.kind for record in batch)
        times = [record.event_time for record in batch]
        self.first_event_time = min(times if self.first_event_time is None else [self.first_event_time, *times])
        self.last_event_time = max(times if self.last_event_time is None else [self.last_event_time, *times])

    def as_dict(self) -> dict[str, Any]:
        """The report in JSON's types; times are texts in UTC."""
        return {
            "topic": self.topic,
            "sent": self.sent,
            "by_event_type": dict(sorted(self.by_event_type.items())),
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.sent / self.seconds) if self.seconds else 0,
            "first_event_time": moment_text(self.first_event_time),
            "last_event_time": moment_text(self.last_event_time),
            "stopped": self.stopped,
        }


def moment_text(seconds: int | None) -> str | None:
    """A time of a report (seconds since 1970) as text in UTC."""
    return None if seconds is None else timestamp_text(datetime.fromtimestamp(seconds, UTC))


class Publisher:
    """A producer of one topic, for one run.

    Raises TransientError if no broker answers or a delivery fails, TerminalError if the topic does not exist.
    """

    def __init__(self, topic: str, kafka: KafkaSettings) -> None:
        self._topic = topic
        self._producer = RecordProducer(
            {topic: "SKYTIER_KAFKA_TOPIC"},
            kafka,
            "skytier-generator",
            timeout_seconds=DELIVERY_TIMEOUT_SECONDS,
            advice="See 'skytier stack status', then resume ('skytier replay ... --resume').",
        )
        self._log = logs.logger("publisher")

    def _send(self, batch: list[Record]) -> None:
        for record in batch:
            self._producer.send(self._topic, record.key, record.value)
        self._producer.serve()

    def publish(
        self,
        batches: Iterable[list[Record]],
        stop: threading.Event,
        on_acknowledged: OnAcknowledged | None = None,
        on_progress: OnProgress | None = None,
    ) -> Report:
        """Send all records in order and wait until they are acknowledged.

        Once ``stop`` is set, sending ends, the sent records are acknowledged, and the report is marked ``stopped``.
        ``on_acknowledged`` is called with the last acknowledged record every few seconds and at the end. Without
        ``on_progress`` the progress is logged every few seconds.
        """
        report = Report(self._topic)
        began = time.monotonic()
        acknowledged_at = progress_at = began
        pending: Record | None = None
        for batch in batches:
            self._send(batch)
            if batch:
                report.add(batch)
                pending = batch[-1]
            now = time.monotonic()
            if pending and on_acknowledged and now - acknowledged_at >= _ACKNOWLEDGE_SECONDS:
                self._producer.acknowledge()
                on_acknowledged(pending)
                pending, acknowledged_at = None, now
            if on_progress:
                on_progress(report, now - began)
            elif now - progress_at >= _PROGRESS_SECONDS:
                self._log_progress(report, now - began)
                progress_at = now
            if stop.is_set():
                break
        self._producer.acknowledge()
        if pending and on_acknowledged:
            on_acknowledged(pending)
        report.seconds = time.monotonic() - began
        report.stopped = stop.is_set()
        return report

    def _log_progress(self, report: Report, seconds: float) -> None:
        self._log.info(
            "published",
            topic=self._topic,
            sent=report.sent,
            events_per_second=round(report.sent / seconds),
            event_time=moment_text(report.last_event_time),
        )

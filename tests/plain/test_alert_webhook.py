"""The alert webhook, against a real HTTP server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from skytier import alert_webhook
from skytier.settings.alerts import AlertSettings
from tests.webhook_receiver import Receiver

pytestmark = pytest.mark.plain

SINCE = datetime(2026, 11, 29, 8, tzinfo=UTC)
ALERT = ("server", "critical", "kafka", "It is down.", SINCE)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_URL", receiver.url)
    yield receiver
    receiver.close()


def test_an_alert_is_posted_with_all_fields(receiver: Receiver) -> None:
    assert alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert alert_webhook.post(AlertSettings(), "resolved", *ALERT)
    raised, resolved = receiver.posted
    assert raised == {
        "text": "[critical] server: kafka: It is down.",
        "event": "raised",
        "kind": "server",
        "severity": "critical",
        "subject": "kafka",
        "message": "It is down.",
        "first_time": "2026-11-29T08:00:00+00:00",
        "path": "/hook/secret-token",
        "type": "application/json",
    }
    assert (resolved["event"], resolved["text"]) == ("resolved", "[resolved] server: kafka: It is down.")


def test_without_an_address_nothing_is_posted(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYTIER_ALERTS_WEBHOOK_URL")
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert receiver.posted == []


@pytest.mark.parametrize("status", [404, 500])
def test_a_webhook_that_refuses_is_logged_and_raises_nothing(
    receiver: Receiver, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = status
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    said = "".join(capsys.readouterr())
    assert "webhook failed" in said
    assert str(status) in said
    assert "secret-token" not in said


def test_a_request_to_a_slow_webhook_times_out(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_TIMEOUT_SECONDS", "0.2")
    receiver.seconds = 2.0
    began = time.monotonic()
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret-token", "no address: secret-token"])
def test_an_address_without_a_server_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_URL", url)
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert "secret-token" not in "".join(capsys.readouterr())

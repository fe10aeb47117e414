"""Alerts to an address of the operators' own, with a real server behind it."""

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


def test_a_webhook_is_told_all_of_an_alert(receiver: Receiver) -> None:
    assert alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert alert_webhook.post(AlertSettings(), "resolved", *ALERT)
    raised, resolved = receiver.told
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


def test_without_an_address_nobody_is_told(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYTIER_ALERTS_WEBHOOK_URL")
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert receiver.told == []


@pytest.mark.parametrize("status", [404, 500])
def test_a_webhook_that_refuses_is_noted_and_raises_nothing(
    receiver: Receiver, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.status = status
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    said = "".join(capsys.readouterr())
    assert "webhook failed" in said
    assert str(status) in said
    assert "secret-token" not in said


def test_a_webhook_that_hangs_is_waited_for_no_longer_than_is_set(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_TIMEOUT_SECONDS", "0.2")
    receiver.seconds = 2.0
    began = time.monotonic()
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret-token", "no address: secret-token"])
def test_an_address_that_nobody_answers_at_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKYTIER_ALERTS_WEBHOOK_URL", url)
    assert not alert_webhook.post(AlertSettings(), "raised", *ALERT)
    assert "secret-token" not in "".join(capsys.readouterr())

"""Polls of the API, one after another: each answer goes to HDFS as it came, and its rows to Kafka."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from opensky import answers
from opensky.answers import States
from opensky.areas import Areas, affordable_seconds, credits_of
from opensky.client import Answer, Client, NotYetError
from skytier import logs
from skytier.errors import SkytierError, TerminalError
from skytier.settings.opensky import OpenSkySettings

# The network's own resolution, in seconds.
_RESOLUTION_SECONDS, _ANONYMOUS_RESOLUTION_SECONDS = 5.0, 10.0

Done = TypeVar("Done")

log = logs.logger("opensky")


class Raw(Protocol):
    """Where answers are kept as they came."""

    def keep(self, content: bytes, received: float, part: int) -> str:
        """Keep an answer, and return where it is."""


class Publishes(Protocol):
    """Where rows go."""

    def publish(self, states: States) -> None:
        """Publish the rows of an answer."""


@dataclass
class Report:
    """What became of the polls so far."""

    polls: int = 0
    failed: int = 0
    """polls of which something failed: a request, HDFS or Kafka"""
    valid: int = 0
    invalid: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    credits_remaining: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report in JSON's types."""
        return {**vars(self), "reasons": dict(sorted(self.reasons.items()))}


class Pace:
    """How often to poll: as set, but not more often than credits and the network's resolution allow."""

    def __init__(self, settings: OpenSkySettings, areas: Areas) -> None:
        self.credits_per_poll = sum(map(credits_of, areas))
        self.affordable_seconds = affordable_seconds(self.credits_per_poll, settings.credits_a_day)
        resolution = _RESOLUTION_SECONDS if settings.has_client else _ANONYMOUS_RESOLUTION_SECONDS
        self.seconds = max(settings.interval_seconds, resolution, self.affordable_seconds)
        self._settings = settings

    def log(self) -> None:
        """Say how often, and why."""
        found = {
            "url": self._settings.url,
            "every_seconds": round(self.seconds, 1),
            "credits_per_poll": self.credits_per_poll,
            "credits_a_day": self._settings.credits_a_day,
            "box": self._settings.box or "whole world",
        }
        if self.affordable_seconds > self._settings.interval_seconds:
            log.warning("credits allow fewer polls", wanted_seconds=self._settings.interval_seconds, **found)
        else:
            log.info("polling", **found)


class Poller:
    """Polls until it is stopped. What fails is logged and counted, and the next poll comes as if it had not."""

    def __init__(self, client: Client, areas: Areas, pace: Pace, raw: Raw, publisher: Publishes, source: str) -> None:
        self._client, self._areas, self._pace = client, areas, pace
        self._raw, self._publisher, self._source = raw, publisher, source
        self.report = Report()

    def run(self, stop: threading.Event, polls: int | None = None) -> Report:
        """Poll at the pace until ``stop`` is set, or so many times.

        Raises TerminalError where the very first request is refused: a wrong setting, not a failure that passes.
        """
        due = time.monotonic()
        while not stop.is_set():
            self._poll()
            if polls is not None and self.report.polls >= polls:
                break
            # Polls that were missed while one took too long, or the credits were used up, are not made up for.
            now = time.monotonic()
            due = max(due + self._pace.seconds, now, now + self._client.not_before - time.time())
            stop.wait(due - now)
        return self.report

    def _poll(self) -> None:
        began, report = time.monotonic(), self.report
        report.polls += 1
        done = [self._part(number, began) for number in range(len(self._areas))]
        report.failed += not all(done)

    def _part(self, number: int, began: float) -> bool:
        """One request and what follows from it. Returns whether all of it was done."""
        try:
            answer = self._client.states(self._areas[number])
        except NotYetError as error:
            log.warning("credits used up", reason=str(error), not_before=round(error.not_before))
            return False
        except TerminalError as error:
            if self.report.polls == 1:
                raise
            log.error("poll failed", reason=str(error))
            return False
        except SkytierError as error:
            log.error("poll failed", reason=str(error))
            return False
        return self._pass_on(answer, number, began)

    def _pass_on(self, answer: Answer, number: int, began: float) -> bool:
        self.report.credits_remaining = answer.credits_remaining
        path = _attempt("answer not kept", lambda: self._raw.keep(answer.content, answer.received, number))
        states = _attempt("poll failed", lambda: answers.read(answer.content, answer.received, self._source))
        if states is None:
            return False
        published = _attempt("states not published", lambda: self._publish(states), raw=path)
        if published:
            self._count(states)
            log.info(
                "polled",
                valid=len(states.valid),
                invalid=len(states.invalid),
                age_seconds=round(answer.received - states.time, 1),
                seconds=round(time.monotonic() - began, 3),
                credits_remaining=answer.credits_remaining,
            )
        return published is not None and path is not None

    def _publish(self, states: States) -> bool:
        self._publisher.publish(states)
        return True

    def _count(self, states: States) -> None:
        self.report.valid += len(states.valid)
        self.report.invalid += len(states.invalid)
        self.report.reasons += states.reasons()


def _attempt(what: str, step: Callable[[], Done], **about: Any) -> Done | None:
    """The result of a step; None, and a line in the log, where it fails."""
    try:
        return step()
    except SkytierError as error:
        log.error(what, reason=str(error), **about)
        return None

"""Publishing and processing as a user does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from tests import stores
from tests.own_stack import BY_SPARK_SUBMIT, OwnStack

JANUARY = (date(2013, 1, 1), date(2013, 1, 31))


def run(stack: OwnStack, *arguments: str, **settings: str) -> str:
    """A command of ours, with other settings, that must end well; what it printed."""
    done = stack.run_with(stack.environment() | settings, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def drain(stack: OwnStack, **settings: str) -> None:
    """Everything new in Kafka through both tiers, with other settings."""
    run(stack, "process", **settings)


def drain_by_itself(stack: OwnStack) -> None:
    """The same in a process of its own, as a user does it."""
    drain(stack, **BY_SPARK_SUBMIT)


def take(stack: OwnStack, by: Callable[[OwnStack], None] = drain) -> None:
    """One minute job, and its reconciliation."""
    by(stack)
    run(stack, "reconcile")


def process(stack: OwnStack, by: Callable[[OwnStack], None] = drain) -> dict[str, int]:
    """One minute job; what it added to the counts of all batches."""
    before = stores.totals()
    take(stack, by)
    return {name: total - before[name] for name, total in stores.totals().items()}


def publish_january(stack: OwnStack) -> None:
    """The real flights of January."""
    run(stack, "replay", "--from", JANUARY[0].isoformat(), "--to", JANUARY[1].isoformat())


def day_of(seed: int) -> str:
    """The day on which some hundred synthetic flights of a seed start: no other seed, and no other test, has it."""
    return f"{date(2014, 1, 1) + timedelta(days=seed)}T00:00:00Z"

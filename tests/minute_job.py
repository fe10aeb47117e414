"""Publishing and processing as a user does it."""

from __future__ import annotations

from datetime import date

from tests import stores
from tests.own_stack import OwnStack

JANUARY = (date(2013, 1, 1), date(2013, 1, 31))


def run(stack: OwnStack, *arguments: str) -> str:
    """A command of ours that must end well; what it printed."""
    done = stack.skytier(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def process(stack: OwnStack) -> dict[str, int]:
    """One minute job; what it added to the books."""
    before = stores.totals()
    run(stack, "process")
    run(stack, "books", "check")
    return {name: total - before[name] for name, total in stores.totals().items()}


def publish_january(stack: OwnStack) -> None:
    """The real flights of January."""
    run(stack, "replay", "--from", JANUARY[0].isoformat(), "--to", JANUARY[1].isoformat())

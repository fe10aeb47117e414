"""Fixtures that more than one tier of tests uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.archive_runs import FIRST, publish
from tests.minute_job import drain_by_itself, process, publish_january
from tests.own_stack import SHORT_LIVED, WITHOUT, OwnStack, own_stack, settings_of

# How long an example takes says more about the machine, and what else runs on it, than about the code.
settings.register_profile("skytier", deadline=None)
settings.load_profile("skytier")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a stack with no events come before those that bring some; those that stop its servers come last."""
    items.sort(
        key=lambda item: (item.get_closest_marker("empty") is None, item.get_closest_marker("restarts") is not None)
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[OwnStack]:
    """A running stack without Airflow and the live feed, one for all tests; this process's settings point to it."""
    with own_stack("session", SHORT_LIVED) as own:
        own.up(without=WITHOUT)
        with own.one_driver(), settings_of(own):
            yield own


@pytest.fixture(scope="session")
def moving_stack() -> Iterator[OwnStack]:
    """A stack of its own for what archives, and so takes away what other tests count; it has some events."""
    with own_stack("archive", SHORT_LIVED) as own:
        own.up(without=WITHOUT)
        with own.one_driver():
            with settings_of(own):
                publish(own, 1, "--start", FIRST)
            yield own


@pytest.fixture(scope="session")
def january(stack: OwnStack) -> dict[str, int]:
    """January 2013 in the session's stack, in one batch; what it added to the books."""
    publish_january(stack)
    return process(stack, drain_by_itself)

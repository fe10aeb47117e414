"""Fixtures that more than one tier of tests uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.own_stack import WITHOUT, OwnStack, own_stack, settings_of


@pytest.fixture(scope="session")
def stack() -> Iterator[OwnStack]:
    """A running stack without Airflow and the live feed, one for all tests; this process's settings point to it."""
    with own_stack("session") as own:
        own.up(without=WITHOUT)
        with settings_of(own):
            yield own

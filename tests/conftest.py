"""Fixtures that more than one tier of tests uses."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.own_stack import WITHOUT, OwnStack, own_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[OwnStack]:
    """A running stack without Airflow and the live feed, one for all tests; this process's settings point to it."""
    with own_stack("session") as own:
        own.up(without=WITHOUT)
        kept = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("SKYTIER_")]:
            del os.environ[name]
        os.environ.update(own.variables())
        yield own
        os.environ.clear()
        os.environ.update(kept)

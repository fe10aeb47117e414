"""Fixtures that more than one tier of tests uses."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.own_stack import OwnStack, own_stack


@pytest.fixture(scope="session")
def stack() -> Iterator[OwnStack]:
    """A running stack without Airflow, the same for all tests of a session; this process's settings point to it."""
    with own_stack("stack", port_offset=1000) as own:
        own.up(without=["airflow"])
        kept = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("SKYTIER_")]:
            del os.environ[name]
        os.environ.update(own.variables())
        yield own
        os.environ.clear()
        os.environ.update(kept)

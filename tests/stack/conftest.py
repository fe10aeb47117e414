"""Fixtures that several modules of the stack's tests use."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from models.registry import Registry
from skytier.archive.manifest import State
from skytier.files import Files
from tests import archives
from tests.archive_runs import check_view
from tests.own_stack import OwnStack, settings_of


@pytest.fixture
def registry(stack: OwnStack) -> Iterator[Registry]:
    """An empty registry of the test's own."""
    root = f"/tests/models-{uuid.uuid4().hex}"
    yield Registry(Files(), root)
    Files().delete(root)


@pytest.fixture
def archive_stack(moving_stack: OwnStack) -> Iterator[OwnStack]:
    """The stack that archives; this process's settings point to it.

    After each test no archive is under way, and every event that was ever sent is there, once, as it was sent.
    """
    with settings_of(moving_stack):
        yield moving_stack
        assert archives.manifests(*set(State) - {State.DONE, State.FAILED, State.MERGED, State.EXPIRED}) == []
        if not archives.manifests(State.EXPIRED):
            archives.check_all_there_once()
            check_view()

"""Fixtures that several modules of the stack's tests use."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from models.registry import Registry
from skytier.files import Files
from tests.minute_job import process, publish_january
from tests.own_stack import OwnStack


@pytest.fixture(scope="session")
def january(stack: OwnStack) -> dict[str, int]:
    """January 2013 in the session's stack, in one batch; what it added to the books."""
    publish_january(stack)
    return process(stack)


@pytest.fixture
def registry(stack: OwnStack) -> Iterator[Registry]:
    """An empty registry of the test's own."""
    root = f"/tests/models-{uuid.uuid4().hex}"
    yield Registry(Files(), root)
    Files().delete(root)

"""What is killed runs on the stack that archives: nobody else counts what is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.own_stack import OwnStack, settings_of


@pytest.fixture
def stack(moving_stack: OwnStack) -> Iterator[OwnStack]:
    """The stack that archives; this process's settings point to it."""
    with settings_of(moving_stack):
        yield moving_stack

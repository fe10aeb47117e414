"""What servers, jobs and commands write is for the owner of the stack alone."""

from __future__ import annotations

import pytest

from tests.accounts import open_to_others
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("january")]

KEPT = {"postgres", "mongodb", "namenode", "datanode", "kafka", "conf", "logs", "run", "tmp", "stack.env"}


def test_nobody_else_may_read_or_enter_anything_of_a_stack(stack: OwnStack) -> None:
    found = [stack.home, *stack.home.rglob("*")]
    assert {path.name for path in found} >= KEPT
    assert open_to_others(found) == []

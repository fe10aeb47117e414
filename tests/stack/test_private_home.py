"""What servers, jobs and commands write is for the owner of the stack alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("january")]

KEPT = {"postgres", "mongodb", "namenode", "datanode", "kafka", "conf", "logs", "run", "tmp", "stack.env"}


def mode(path: Path) -> int:
    """The permissions of a file; none of a link, or of one that has gone meanwhile."""
    try:
        return 0 if path.is_symlink() else stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0


def test_nobody_else_may_read_or_enter_anything_of_a_stack(stack: OwnStack) -> None:
    found = [stack.home, *stack.home.rglob("*")]
    assert {path.name for path in found} >= KEPT
    assert [path for path in found if mode(path) & 0o077] == []

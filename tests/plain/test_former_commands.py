"""Commands that have another name now are found under the one before, and shown under the new one only."""

from __future__ import annotations

import pytest

from skytier.cli import ALIASES, command_line
from skytier.pipeline import reconcile_cli

pytestmark = pytest.mark.plain


@pytest.mark.parametrize(
    ("former", "now"),
    [
        (["books", "check", "--json"], reconcile_cli.check),
        (["books", "duplicates"], reconcile_cli.find_duplicates),
    ],
)
def test_a_former_name_runs_the_command(former: list[str], now: object) -> None:
    command, _, _ = command_line(None).parse_args(former, exit_on_error=False)
    assert command is now


def test_former_names_are_in_no_help(capsys: pytest.CaptureFixture[str]) -> None:
    app = command_line(None)
    app(["--help"], result_action="return_value")
    shown = capsys.readouterr().out
    assert "reconcile" in shown
    assert not [name for name in ALIASES if name in shown.split()]

"""A terminal shows a progress bar and lines of text; log lines are JSON only with ``--json``."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections import Counter

import pytest

from generator.cli import _shown
from generator.publisher import Report
from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain

_SCRIPT = """
import sys, time
from skytier import logs
from skytier.progress_bar import progress_bar

logs.configure()
with progress_bar("publishing", as_json=sys.argv[1] == "--json") as shown:
    logs.logger("publisher").warning("kafka client", error="[bold] \\x1b[2J down")
    if shown:
        shown(0.42, "1,234 sent [/red]")
        time.sleep(0.3)
print("the report")
"""


def _in_a_terminal(option: str) -> str:
    leader, follower = pty.openpty()
    command = [sys.executable, "-c", _SCRIPT, option]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen(command, stdout=follower, stderr=follower, cwd=PROJECT_ROOT, env=environment) as process:
        os.close(follower)
        printed = b""
        try:
            while chunk := os.read(leader, 65536):
                printed += chunk
        except OSError:  # how Linux says that the other side is closed
            pass
    os.close(leader)
    assert process.returncode == 0
    return printed.decode()


def _in_a_pipe(option: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _SCRIPT, option]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_ROOT, check=True)


@pytest.mark.parametrize("option", ["--json", "--text"])
def test_a_terminal_shows_a_bar_and_text(option: str) -> None:
    printed = _in_a_terminal(option)
    for text in ("publishing", "42%", "1,234 sent [/red]", "kafka client", "[bold]", r"\x1b[2J down", "the report"):
        assert text in printed
    assert '{"' not in printed


def test_a_pipe_gets_text_and_json_where_it_is_asked_for() -> None:
    text = _in_a_pipe("--text")
    assert text.stdout == "the report\n"
    assert "kafka client" in text.stderr
    assert "\x1b" not in text.stderr
    assert '{"' not in text.stderr
    assert "publishing" not in text.stderr
    logged = _in_a_pipe("--json")
    assert json.loads(logged.stderr)["event"] == "kafka client"


def test_what_is_shown_of_a_report_under_way() -> None:
    seen: list[tuple[float, str]] = []
    report = Report("flight_events", sent=5000, by_kind=Counter(valid=5000), last_event_time=1357000000)
    on_progress = _shown(lambda share, note: seen.append((share, note)), lambda report: report.sent / 4000)
    on_progress(report, 2.0)
    on_progress(report, 0.0)
    assert seen[0] == (1.0, "5,000 sent, 2,500 a second, 2013-01-01T00:26:40Z")
    assert seen[1][0] == 1.0

"""What commands print: data as it is, tables whole, every digit, JSON that is JSON, help that says what is for what."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from local_stack.progress import Progress
from models.delay.metrics_table import metrics_table
from skytier import alert_checks, alerts_cli, sql_cli, sql_text, terminal
from skytier.cli import COMMANDS
from skytier.sql import Result
from tests.own_stack import SKYTIER

pytestmark = pytest.mark.plain

MARKUP = "[/red] x [bold] :smile:"
ESCAPES = "\x1b[2J\x9b31m\x07\r\u202eabc"
SHOWN = r"\x1b[2J\x9b31m\x07\r\u202eabc"


def result(**columns: Any) -> Result:
    """One row; the types are told by the values."""
    kinds = {float: "double", int: "bigint", Decimal: "decimal", bytes: "binary", str: "string"}
    return Result(list(columns), [kinds[type(value)] for value in columns.values()], [tuple(columns.values())])


@given(st.text())
def test_no_text_reaches_a_terminal_as_a_command(text: str) -> None:
    shown = terminal.visible(text)
    assert not [letter for letter in shown if not letter.isprintable() and ord(letter) < 160 and letter not in "\n\t"]
    if all(letter.isprintable() for letter in text):
        assert shown == text


def test_escapes_are_written_out_and_lines_stay() -> None:
    assert terminal.visible(ESCAPES) == SHOWN
    assert terminal.visible("a\tb\nü 北 👩\u200d🚀") == "a\tb\nü 北 👩\u200d🚀"


def test_a_table_of_a_query_shows_data_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    sql_cli._print_table(result(**{"[bold]": MARKUP, "b": ESCAPES, "c\x1b[1m": "x" * 300}))
    printed = capsys.readouterr().out
    for text in ("[bold]", MARKUP, SHOWN, r"c\x1b[1m", "x" * 300, "1 row"):
        assert text in printed
    assert "\x1b" not in printed


def test_other_tables_are_whole_and_show_data_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("archive", "state")
    terminal.add_row(table, "a" * 90 + MARKUP, "published, restored, held" + ESCAPES)
    terminal.print_table(table)
    terminal.print_table(metrics_table({f"stage [bold] {n}": {"mae": 1.0} for n in range(9)}, {}))
    terminal.console().print(f"{MARKUP} {'y' * 300}")
    progress = Progress()
    progress.done("server", "ready", 1.0, "/tmp/[red]/x")
    printed = "".join(capsys.readouterr())
    for text in (
        "a" * 90 + MARKUP,
        "held" + SHOWN,
        *(f"stage [bold] {n}" for n in range(9)),
        "y" * 300,
        "/tmp/[red]/x",
    ):
        assert text in printed
    assert "…" not in printed


def test_a_sentence_with_data_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(f"critical: drift: {ESCAPES}")
    terminal.say(f"error: {ESCAPES}", file=sys.stderr)
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"critical: drift: {SHOWN}\n", f"error: {SHOWN}\n")


def test_an_alert_is_no_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its subject and message hold what records and files hold."""
    found = {f"kind{ESCAPES}": {f"subject{ESCAPES}": (f"critical{ESCAPES}", f"message{ESCAPES}")}}
    report = alert_checks.Report(found, {"kafka": f"reason{ESCAPES}"}, 0)  # type: ignore[arg-type]
    monkeypatch.setattr(alert_checks, "check", lambda _settings: report)
    alerts_cli.check()
    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 5
    assert "\x1b" not in printed


def test_csv_keeps_every_digit(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"a": 1234567890123.4567, "b": 0.1, "c": Decimal("12345678901234567890.123456789"), "d": math.nan}
    sql_cli._print_csv(result(**values, e=b"\x00\xff", f=1e300, g=ESCAPES))
    header, row = csv.reader(io.StringIO(capsys.readouterr().out, newline=""))
    assert header == list("abcdefg")
    assert [float(row[0]), float(row[1]), Decimal(row[2]), float(row[5])] == [*list(values.values())[:3], 1e300]
    assert row[3:5] == ["NaN", "AP8="]
    assert row[6] == ESCAPES  # a file gets the data itself


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_csv_and_json(value: float) -> None:
    assert float(sql_text.exact(value)) == value
    assert json.loads(sql_text.json_text(result(a=value))) == [{"a": value}]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_json_and_no_terminal_obeys_it(text: str) -> None:
    printed = sql_text.json_text(result(a=text))
    assert json.loads(printed) == [{"a": text}]
    assert terminal.visible(printed) == printed


def test_json_has_no_nan_and_every_column() -> None:
    rows = Result(
        ["x", "x", "x_2", "n", "d", "m", "s"],
        ["int", "int", "int", "double", "decimal", "map", "struct"],
        [
            (1, 2, 3, math.nan, Decimal("0.10"), '{"a\\"b":[1,NaN]}', '{"q":"a\\"b"}'),
            (1, 2, 3, -math.inf, None, None, None),
        ],
    )
    printed = sql_text.json_text(rows)
    first, second = json.loads(printed, parse_constant=lambda constant: pytest.fail(constant))
    assert list(first) == ["x", "x_3", "x_2", "n", "d", "m", "s"]
    assert list(first.values())[:4] == [1, 2, 3, "NaN"]
    assert '"d": 0.10' in printed
    assert first["m"] == '{"a\\"b":[1,NaN]}', "text that is no JSON stays text"
    assert first["s"] == {"q": 'a"b'}
    assert second["n"] == "-Infinity"
    assert rows.dicts()[0]["x_3"] == 2


def test_json_of_a_document_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"r2": math.nan, "mae": math.inf, "name": ESCAPES})
    printed = json.loads(capsys.readouterr().out, parse_constant=lambda constant: pytest.fail(constant))
    assert printed == {"r2": None, "mae": None, "name": ESCAPES}


def test_help_names_each_command_with_what_it_is_for() -> None:
    done = subprocess.run([SKYTIER, "--help"], capture_output=True, text=True, check=True, env={"COLUMNS": "140"})
    for command, (_, purpose) in COMMANDS.items():
        assert [line for line in done.stdout.splitlines() if command in line and purpose in line], command


def test_a_command_explains_itself_at_length() -> None:
    done = subprocess.run([SKYTIER, "replay", "--help"], capture_output=True, text=True, check=True)
    assert "SIGTERM and Ctrl-C stop the replay cleanly" in done.stdout

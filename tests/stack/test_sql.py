"""``skytier sql`` with what people and programs make of its output."""

from __future__ import annotations

import csv
import json

import pytest

from tests.minute_job import run
from tests.own_stack import OwnStack

pytestmark = pytest.mark.stack


def test_data_is_shown_as_it_is(stack: OwnStack) -> None:
    printed = run(stack, "sql", "select '[/red] x' as `[bold]`, concat(char(27), '[31m') as b, repeat('x', 200) as c")
    for text in ("[/red] x", "[bold]", r"\x1b[31m", "x" * 200):
        assert text in printed


def test_json_of_nested_values_and_of_columns_of_one_name(stack: OwnStack) -> None:
    statement = """select 1 as x, 2 as x, double('NaN') as n, cast(1.10 as decimal(5, 2)) as d,
        array('a"b', null, '[1]') as a, map('k"', named_struct('t', timestamp '2013-01-01 00:00:00', 'z', null)) as m,
        array(interval '1' day) as i, binary('a"') as b -- the last of them"""
    (row,) = json.loads(run(stack, "sql", statement, "--json"))
    assert (row["x"], row["x_2"], row["n"], row["d"]) == (1, 2, "NaN", 1.10)
    assert row["a"] == ['a"b', None, "[1]"]
    assert row["m"] == {'k"': {"t": "2013-01-01T00:00:00.000Z", "z": None}}
    assert row["b"] == "YSI="
    assert len(row["i"]) == 1


def test_rows_keep_their_order_and_statements_that_are_no_query_run(stack: OwnStack) -> None:
    ordered = "with n as (select id, array(id) as a from range(0, 500, 1, 4)) select * from n order by id desc"
    assert [row["a"] for row in json.loads(run(stack, "sql", ordered, "--json"))] == [[n] for n in range(499, -1, -1)]
    assert "flight_dw" in run(stack, "sql", "show databases")
    refused = stack.skytier("sql", "select nothing from nowhere")
    assert refused.returncode == 1
    assert "TABLE_OR_VIEW_NOT_FOUND" in refused.stderr


def test_csv_has_every_digit(stack: OwnStack) -> None:
    printed = run(stack, "sql", "select 1234567890123.4567D as a, 0.1D + 0.2D as b, array('x\"y') as c", "--csv")
    _, row = csv.reader(printed.splitlines())
    assert row == [repr(1234567890123.4567), "0.30000000000000004", '["x\\"y"]']

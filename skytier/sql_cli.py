"""``skytier sql``: a query through the SQL endpoint."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from skytier import nested, sql_text, terminal
from skytier.errors import TerminalError
from skytier.settings.sql import Role
from skytier.sql import Connection, Result

_NUMBERS = {"tinyint", "smallint", "int", "bigint", "float", "double", "decimal"}


def sql(
    statement: str | None = None,
    *,
    file: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    as_csv: Annotated[bool, Parameter(name="--csv", negative="")] = False,
    operator: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a query over the warehouse and print what it gives. Times are UTC.

    Parameters
    ----------
    statement
        One SQL statement, as in "select airline, count(*) from flight_dw.flights group by airline".
    file
        Read the statement from this file instead.
    as_json
        Print a JSON array of objects.
    as_csv
        Print CSV with a header.
    operator
        Run it as the operator, who may also change tables; without it a statement can only read.
    """
    if as_json and as_csv:
        raise TerminalError("Give --json or --csv, not both.")
    text = _statement(statement, file)
    with Connection(Role.OPERATOR if operator else Role.READER) as connection:
        result = nested.query(connection, text)
    if as_json:
        sys.stdout.write(sql_text.json_text(result))
    elif as_csv:
        _print_csv(result)
    else:
        _print_table(result)


def _statement(statement: str | None, file: Path | None) -> str:
    if (statement is None) == (file is None):
        raise TerminalError('Give one statement, as in skytier sql "select 1", or --file with one in it.')
    if statement is not None:
        return statement.strip().rstrip(";")
    assert file is not None
    try:
        return file.read_text().strip().rstrip(";")
    except OSError as error:
        raise TerminalError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise TerminalError(f"{file} cannot be read: it is no text in UTF-8.") from error


def _print_csv(result: Result) -> None:
    """CSV with every digit; data goes out as it is, but for what a terminal would obey where one is written to."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(result.columns)
    writer.writerows([sql_text.exact(value) for value in row] for row in result.rows)
    lines = text.getvalue()
    sys.stdout.write(terminal.visible(lines.replace("\r\n", "\n")) if sys.stdout.isatty() else lines)


def _print_table(result: Result) -> None:
    table = Table(header_style="bold", row_styles=["", "dim"])
    for name, kind in zip(result.columns, result.types, strict=True):
        table.add_column(terminal.visible(name), justify="right" if kind in _NUMBERS else "left")
    for row in result.rows:
        terminal.add_row(table, *[sql_text.readable(value) for value in row])
    if result.columns:
        terminal.print_table(table)
    terminal.console().print(f"{len(result.rows)} {'row' if len(result.rows) == 1 else 'rows'}", style="dim")

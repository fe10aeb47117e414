"""``skytier sql``: a query through the SQL endpoint."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from skytier.errors import TerminalError
from skytier.sql import Result
from skytier.sql import query as run

_NUMBERS = {"tinyint", "smallint", "int", "bigint", "float", "double", "decimal"}


def sql(
    statement: str | None = None,
    *,
    file: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    as_csv: Annotated[bool, Parameter(name="--csv", negative="")] = False,
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
    """
    result = run(_statement(statement, file))
    if as_json:
        json.dump(result.dicts(), sys.stdout, default=_text, indent=1, ensure_ascii=False)
        print()
    elif as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(result.columns)
        writer.writerows([_cell(value) for value in row] for row in result.rows)
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


def _print_table(result: Result) -> None:
    console = Console()
    table = Table(header_style="bold", row_styles=["", "dim"])
    for name, kind in zip(result.columns, result.types, strict=True):
        table.add_column(name, justify="right" if kind in _NUMBERS else "left", overflow="fold")
    for row in result.rows:
        table.add_row(*[_cell(value) for value in row])
    if result.columns:
        console.print(table)
    console.print(f"{len(result.rows)} {'row' if len(result.rows) == 1 else 'rows'}", style="dim")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else _text(value)


def _text(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

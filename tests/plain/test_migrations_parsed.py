"""A parser of Spark's SQL finds the tables and views in the migrations that the product's own few expressions find."""

from __future__ import annotations

from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from skytier import migrations

pytestmark = pytest.mark.plain


@pytest.fixture(scope="module")
def statements() -> list[exp.Expr]:
    """All statements, parsed; one that sqlglot does not know would be a Command."""
    text = "".join(f"{statement};\n" for migration in migrations.read() for statement in migration.statements)
    return [parsed for parsed in sqlglot.parse(text, read="spark") if parsed is not None]


def test_statements_end_where_the_parser_says(statements: list[exp.Expr]) -> None:
    assert len(statements) == sum(len(migration.statements) for migration in migrations.read())
    assert {type(statement) for statement in statements} == {exp.Create, exp.Alter}


def test_tables_and_their_columns(statements: list[exp.Expr]) -> None:
    found: dict[str, dict[str, Any]] = {}
    for statement in statements:
        if isinstance(statement, exp.Alter):
            found[_name(statement)]["columns"] += _columns(statement)
            found[_name(statement)] |= _set_properties(statement)
        elif statement.args["kind"] == "TABLE":
            found[_name(statement)] = {
                "format": str(statement.args["properties"].find(exp.FileFormatProperty).this).lower(),
                "comment": _comment(statement),
                "columns": _columns(statement),
            }
    own = migrations.tables(migrations.read())
    assert {table.name for table in own} == found.keys()
    for table in own:
        columns = [
            (one.name, exp.DataType.build(one.type, dialect="spark").sql(), one.comment) for one in table.columns
        ]
        assert sorted(columns) == sorted(found[table.name].pop("columns"))
        assert found[table.name] == {"format": table.format, "comment": table.comment}


def test_views_and_what_they_show(statements: list[exp.Expr]) -> None:
    views = {_name(one): _comment(one) for one in statements if one.args.get("kind") == "VIEW"}
    assert migrations.views(migrations.read()) == views


def _name(statement: exp.Expr) -> str:
    table = statement.find(exp.Table)
    assert table
    return table.name


def _comment(statement: exp.Expr) -> str:
    return str(statement.args["properties"].find(exp.SchemaCommentProperty).this.this)


def _set_properties(statement: exp.Expr) -> dict[str, str]:
    """What ``SET TBLPROPERTIES`` sets of a table, of what is looked at here: its comment."""
    pairs = {str(one.this.this): str(one.args["value"].this) for one in statement.find_all(exp.Property)}
    return {name: value for name, value in pairs.items() if name == "comment"}


def _columns(statement: exp.Expr) -> list[tuple[str, str, str]]:
    """Name, type and comment of the table's columns; not of the fields within a struct."""
    found = [one for one in statement.find_all(exp.ColumnDef, bfs=False) if not one.find_ancestor(exp.DataType)]
    return [_column(one) for one in found]


def _column(definition: exp.ColumnDef) -> tuple[str, str, str]:
    (constraint,) = definition.args["constraints"]
    return definition.name, definition.args["kind"].sql(), constraint.args["kind"].this.this

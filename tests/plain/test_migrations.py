"""The files of migrations: their order, their statements, and that each may be run again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier import migrations, reference, warehouse
from skytier.errors import TerminalError
from skytier.migrations import Column, Migration

pytestmark = pytest.mark.plain

CREATE = "CREATE TABLE IF NOT EXISTS flight_dw.t (\n  a int COMMENT 'one; not two',\n  b string COMMENT \"it's b\"\n)\n"


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("SELECT 1;\n")


def test_every_statement_may_be_run_again() -> None:
    repeatable = (
        "CREATE DATABASE IF NOT EXISTS",
        "CREATE TABLE IF NOT EXISTS",
        "CREATE OR REPLACE VIEW",
        "ALTER TABLE",
    )
    statements = [s for migration in migrations.read() for s in migration.statements]
    assert statements
    assert not [s for s in statements if not s.startswith(repeatable)]


def test_every_column_of_every_table_is_read_and_described() -> None:
    tables = migrations.tables(migrations.read())
    assert all(table.comment for table in tables)
    assert all(column.comment for table in tables for column in table.columns)
    texts = "\n".join(m.text for m in migrations.read())
    top_level = [line for line in texts.splitlines() if line.startswith("  ") and " COMMENT " in line]
    nested = [line for line in top_level if line.startswith("    ")]
    assert sum(len(table.columns) for table in tables) == len(top_level) - len(nested)


def test_dimensions_have_the_columns_of_the_reference() -> None:
    tables = {table.name: [c.name for c in table.columns] for table in migrations.tables(migrations.read())}
    assert tables["dim_airport"] == list(reference.Airport._fields)
    assert tables["dim_airline"] == list(reference.Airline._fields)
    assert tables["dim_aircraft"] == list(reference.Aircraft._fields)


def test_views_are_described() -> None:
    declared = {
        name for m in migrations.read() for name in re.findall(r"^CREATE OR REPLACE VIEW \S+?\.(\w+)", m.text, re.M)
    }
    assert migrations.views(migrations.read()).keys() == declared


def test_comments_are_no_part_of_statements() -> None:
    migration = Migration(1, "x", f"-- why; and how\n\n{CREATE}USING iceberg;\n\n-- end\n")
    assert migration.statements == [f"{CREATE}USING iceberg"]
    assert migration.checksum == Migration(1, "x", f"{CREATE}USING iceberg;").checksum


def test_later_columns_belong_to_the_table() -> None:
    added = Migration(2, "more", "ALTER TABLE flight_dw.t ADD COLUMNS (\n  c double COMMENT 'see'\n);")
    (table,) = migrations.tables([Migration(1, "first", f"{CREATE}USING iceberg;"), added])
    expected = [Column("a", "int", "one; not two"), Column("b", "string", "it's b"), Column("c", "double", "see")]
    assert list(table.columns) == expected


def test_a_gap_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "V001__a.sql", "V003__c.sql")
    with pytest.raises(TerminalError, match=r"holds migration 3 .* where 2 is due"):
        migrations.read(tmp_path)


def test_a_wrong_name_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "V001-a.sql")
    with pytest.raises(TerminalError, match="is no migration"):
        migrations.read(tmp_path)


def test_a_changed_migration_is_an_error() -> None:
    first = Migration(1, "first", "SELECT 1;")
    warehouse._check([first], {1: first.checksum})
    with pytest.raises(TerminalError, match="changed after it was applied"):
        warehouse._check([first], {1: "another"})


def test_a_newer_warehouse_is_an_error() -> None:
    with pytest.raises(TerminalError, match=r"lacks \(\[2\]\)"):
        warehouse._check([Migration(1, "first", "SELECT 1;")], {2: "x"})


@given(st.text())
def test_a_text_literal_cannot_end_early(text: str) -> None:
    inside = warehouse.literal(text)[1:-1]
    assert "'" not in inside.replace("\\\\", "").replace("\\'", "")


def test_other_literals() -> None:
    assert warehouse.literal(None) == "NULL"
    assert warehouse.literal(7) == "7"
    moment = datetime(2013, 1, 1, 12, 30, tzinfo=UTC)
    assert warehouse.literal(moment) == "TIMESTAMP '2013-01-01 12:30:00.000000'"

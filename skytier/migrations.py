"""The migrations of the warehouse: numbered files of SQL in ``hive/migrations``, and the tables they declare."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from skytier.errors import TerminalError
from skytier.settings.base import PROJECT_ROOT

DATABASE = "flight_dw"
FOLDER = PROJECT_ROOT / "hive" / "migrations"

_FILE_NAME = re.compile(r"V(\d{3})__(\w+)\.sql")
_STATEMENT_END = re.compile(r";\s*$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^--.*\n?", re.MULTILINE)
_COLUMNS = re.compile(
    rf"^(?:CREATE TABLE IF NOT EXISTS {DATABASE}\.(\w+)|ALTER TABLE {DATABASE}\.(\w+) ADD COLUMNS) \(\n(.*?)\n\)",
    re.MULTILINE | re.DOTALL,
)
_COLUMN = re.compile(r"^  (\w+) (struct<\n(?:    .*\n)*  >|[^\n]+?) COMMENT (['\"])(.*)\3,?$", re.MULTILINE)
_TABLE_COMMENT = re.compile(r"^COMMENT (['\"])(.*)\1$", re.MULTILINE)
_NEW_COMMENT = re.compile(rf"^ALTER TABLE {DATABASE}\.(\w+) SET TBLPROPERTIES \('comment' = '(.*)'\)$", re.MULTILINE)
_FORMAT = re.compile(r"^USING (\w+)$", re.MULTILINE)
_PARTITION = re.compile(r"^USING parquet\nPARTITIONED BY \((\w+)\)$", re.MULTILINE)
_VIEW = re.compile(rf"^CREATE OR REPLACE VIEW {DATABASE}\.(\w+)\nCOMMENT '(.*)'$", re.MULTILINE)


@dataclass(frozen=True)
class Migration:
    """One file of statements, each of which may be run again."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements; the lines of comment do not count."""
        return hashlib.sha256("\0".join(self.statements).encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements, without the lines of comment: one ends with a semicolon at the end of a line."""
        parts = _STATEMENT_END.split(_COMMENT_LINE.sub("", self.text))
        return [part.strip() for part in parts if part.strip()]


@dataclass(frozen=True)
class Column:
    """A column as its DDL declares it."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Table:
    """A table as its DDL, and every later ``ADD COLUMNS`` and comment, declare it."""

    name: str
    format: str
    comment: str
    fields: tuple[Column, ...]
    partition: tuple[Column, ...] = ()
    """the column that names folders, where Hive keeps the table: it stays the last one; Iceberg knows no such column"""

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in their order."""
        return self.fields + self.partition


def read(folder: Path = FOLDER) -> list[Migration]:
    """All migrations in their order.

    Raises TerminalError for a file whose name is not ``V<three digits>__<name>.sql``, or a number that is missing.
    """
    migrations = [_migration(path) for path in sorted(folder.glob("*.sql"))]
    for expected, migration in enumerate(migrations, start=1):
        if migration.version != expected:
            raise TerminalError(
                f"{folder} holds migration {migration.version} ({migration.name}) where {expected} is due: "
                "number the files without gaps and without repeats."
            )
    return migrations


def tables(migrations: Iterable[Migration]) -> list[Table]:
    """The tables that the migrations declare, each with all its columns."""
    found: dict[str, Table] = {}
    for statement in (s for migration in migrations for s in migration.statements):
        if told := _NEW_COMMENT.search(statement):
            found[told[1]] = replace(found[told[1]], comment=told[2])
        if not (match := _COLUMNS.search(statement)):
            continue
        created, altered, body = match.groups()
        columns = tuple(Column(m[1], m[2], m[4]) for m in _COLUMN.finditer(body))
        if created:
            comment, kind = _TABLE_COMMENT.search(statement), _FORMAT.search(statement)
            by = _PARTITION.search(statement)
            partition = tuple(column for column in columns if by and column.name == by[1])
            fields = tuple(column for column in columns if column not in partition)
            found[created] = Table(created, kind[1] if kind else "", comment[2] if comment else "", fields, partition)
        else:
            found[altered] = replace(found[altered], fields=found[altered].fields + columns)
    return list(found.values())


def iceberg_tables(migrations: Iterable[Migration]) -> list[Table]:
    """Those tables that are kept by Iceberg, and so have snapshots and files to look after."""
    return [table for table in tables(migrations) if table.format == "iceberg"]


def views(migrations: Iterable[Migration]) -> dict[str, str]:
    """The views that the migrations declare, with what each shows."""
    return {match[1]: match[2] for migration in migrations for match in _VIEW.finditer(migration.text)}


def _migration(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if not match:
        raise TerminalError(f"{path} is no migration: its name must look like V008__what_it_is_about.sql.")
    return Migration(int(match[1]), match[2], path.read_text(encoding="utf-8"))

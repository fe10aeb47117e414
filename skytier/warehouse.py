"""The warehouse's tables kept up to date: migrations, reference dimensions, versions of the event contract."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stamina

from skytier import migrations, reference
from skytier.contract import Contract
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.migrations import DATABASE, Migration
from skytier.settings.hdfs import HdfsSettings
from skytier.sql import ConflictError, Connection, SqlError

REFERENCE = "/reference"
_CONTENT_PROPERTY = "skytier.content"
_DOLLAR = "\\u0024"
_COLUMN_EXISTS = ("FIELD_ALREADY_EXISTS", "COLUMN_ALREADY_EXISTS")  # as Iceberg and as Spark itself say it


@dataclass(frozen=True)
class Migrated:
    """What a migration did: migrations applied, dimensions loaded, new versions of contracts by the contract's name."""

    applied: list[str]
    loaded: list[str]
    registered: dict[str, int]


@dataclass(frozen=True)
class TableSize:
    """What a table holds. ``size_mb`` in 1,000,000 bytes, of the newest snapshot only."""

    name: str
    rows: int
    files: int
    size_mb: float
    snapshots: int


@dataclass(frozen=True)
class Status:
    """Which migrations the warehouse has had, which are due, and what its tables hold."""

    version: int
    pending: list[str]
    tables: list[TableSize]


def migrate(connection: Connection, files: Files, contracts: Sequence[Contract]) -> Migrated:
    """Bring the warehouse up to date; every step may be repeated.

    Raises TerminalError when an applied migration was changed, or an event contract without its version.
    """
    known = migrations.read()
    # The first migration makes the table that remembers the others.
    _run(connection, known[0])
    done = _applied(connection)
    _check(known, done)
    applied = _apply(connection, files, [migration for migration in known if migration.version not in done])
    loaded = load_dimensions(connection, files)
    registered = {c.name: version for c in contracts if (version := register_contract(connection, c)) is not None}
    return Migrated(applied, loaded, registered)


def status(connection: Connection) -> Status:
    """The state of the warehouse. Raises TerminalError where it was never migrated."""
    known = migrations.read()
    try:
        done = _applied(connection)
    except SqlError as error:
        raise TerminalError(f"There is no warehouse yet ({error}): run 'skytier warehouse migrate'.") from error
    names = [table.name for table in migrations.iceberg_tables(m for m in known if m.version in done)]
    sizes = " UNION ALL ".join(_size_query(name) for name in names)
    rows = connection.query(f"{sizes} ORDER BY name").dicts()
    pending = [m.name for m in known if m.version not in done]
    return Status(max(done, default=0), pending, [TableSize(**row) for row in rows])


def load_dimensions(connection: Connection, files: Files) -> list[str]:
    """Load the dimension tables whose reference data changed; the names of those that were loaded."""
    dimensions: dict[str, Sequence[Any]] = {
        "dim_airport": reference.airports(),
        "dim_airline": reference.airlines(),
        "dim_aircraft": reference.aircraft(),
    }
    return [name for name, rows in dimensions.items() if _load_dimension(connection, files, name, rows)]


def register_contract(connection: Connection, contract: Contract) -> int | None:
    """Add an event contract to ``schema_metadata`` if its version is new there; that version, or None.

    Raises TerminalError when the contract changed but its version did not, or the warehouse knows a newer version.
    """
    fingerprint, version = contract.fingerprint(), contract.version
    registered = connection.query(
        f"SELECT version, fingerprint FROM {DATABASE}.schema_metadata WHERE schema_name = {literal(contract.name)}"
    )
    versions = {int(known): str(print_of) for known, print_of in registered.rows}
    where = contract.model.__module__.replace(".", "/")
    if versions.get(version, fingerprint) != fingerprint:
        raise TerminalError(
            f"The event contract in {where}.py changed, but SCHEMA_VERSION is still {version}, which the warehouse "
            "knows with other fields: raise SCHEMA_VERSION, or undo the change."
        )
    if max(versions, default=0) > version:
        raise TerminalError(
            f"The warehouse knows version {max(versions)} of the event contract {contract.name} and this code only "
            f"{version}: use the newer code."
        )
    if version in versions:
        return None
    schema = json.dumps(contract.json_schema())
    row = [contract.name, version, fingerprint, datetime.now(UTC), contract.field_count(), schema]
    insert(connection, "schema_metadata", [row])
    return version


@stamina.retry(on=ConflictError, attempts=6, wait_initial=0.2, wait_max=2.0)
def upsert(connection: Connection, table: str, key: str, rows: str) -> None:
    """Replace rows by their key, add those that are not there, in one commit. ``rows`` is a query of all columns.

    The statement of a run that was killed may go on at the SQL endpoint, and commit first: then it is said again.
    Raises ConflictError when others commit first again and again.
    """
    connection.query(
        f"MERGE INTO {DATABASE}.{table} AS known USING ({rows}) AS new ON known.{key} = new.{key} "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )


def literal(value: Any) -> str:
    """A value as a literal of Spark's SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
    if isinstance(value, float) and not math.isfinite(value):
        return f"double('{value}')"
    if isinstance(value, int | float):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    # Before Spark reads a statement it puts variables, such as those of its environment, in the place of ${...}.
    return f"'{escaped.replace('$', _DOLLAR)}'"


def parquet(location: str) -> str:
    """The Parquet files of a folder as a table of Spark's SQL, whatever its name holds."""
    return f"parquet.`{location.replace('`', '``')}`"


def _applied(connection: Connection) -> dict[int, str]:
    rows = connection.query(f"SELECT version, checksum FROM {DATABASE}.schema_migrations").rows
    return {int(version): str(checksum) for version, checksum in rows}


def _check(known: list[Migration], done: dict[int, str]) -> None:
    for migration in known:
        if done.get(migration.version, migration.checksum) != migration.checksum:
            raise TerminalError(
                f"Migration {migration.version} ({migration.name}) was changed after it was applied: restore its file "
                "in hive/migrations and put the change into a new one."
            )
    if newer := sorted(set(done) - {migration.version for migration in known}):
        raise TerminalError(f"The warehouse has had migrations that this code lacks ({newer}): use the newer code.")


def _apply(connection: Connection, files: Files, due: list[Migration]) -> list[str]:
    """Apply the migrations and record those that were: in one commit, for all of them may be run again."""
    applied: list[Migration] = []
    try:
        for migration in due:
            files.require()
            _run(connection, migration)
            applied.append(migration)
    finally:
        rows = [[m.version, m.name, m.checksum, datetime.now(UTC)] for m in applied]
        insert(connection, "schema_migrations", rows)
    return [migration.name for migration in applied]


def _run(connection: Connection, migration: Migration) -> None:
    for statement in migration.statements:
        try:
            connection.query(statement)
        except SqlError as error:
            # ADD COLUMNS knows no IF NOT EXISTS: that it was done before is success.
            if not any(words in str(error) for words in _COLUMN_EXISTS):
                raise SqlError(f"Migration {migration.version} ({migration.name}) failed: {error}") from error


def insert(connection: Connection, table: str, rows: Sequence[Sequence[Any]]) -> None:
    """Add rows, in one commit; none is no error. ``table`` is of the warehouse's database."""
    values = ", ".join(f"({', '.join(literal(value) for value in row)})" for row in rows)
    if rows:
        connection.query(f"INSERT INTO {DATABASE}.{table} VALUES {values}")


def _load_dimension(connection: Connection, files: Files, name: str, rows: Sequence[Any]) -> bool:
    table = f"{DATABASE}.{name}"
    content = hashlib.sha256(repr(rows).encode()).hexdigest()
    properties = dict(connection.query(f"SHOW TBLPROPERTIES {table}").rows)
    if properties.get(_CONTENT_PROPERTY) == content:
        return False
    path = f"{REFERENCE}/{name}.json"
    lines = "".join(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows)
    files.write_atomically(path, lines.encode())
    declared = next(t for t in migrations.tables(migrations.read()) if t.name == name)
    schema = ", ".join(f"{column.name} {column.type}" for column in declared.columns)
    parsed = f"SELECT from_json(value, {literal(schema)}) AS row FROM text.`{HdfsSettings().url}{path}`"
    connection.query(f"INSERT OVERWRITE {table} SELECT row.* FROM ({parsed})")
    connection.query(f"ALTER TABLE {table} SET TBLPROPERTIES ({literal(_CONTENT_PROPERTY)} = {literal(content)})")
    return True


def _size_query(name: str) -> str:
    table = f"{DATABASE}.{name}"
    return (
        f"SELECT '{name}' AS name, coalesce(sum(record_count), 0) AS rows, count(*) AS files, "
        f"coalesce(sum(file_size_in_bytes), 0) / 1e6D AS size_mb, "
        f"(SELECT count(*) FROM {table}.snapshots) AS snapshots FROM {table}.data_files"
    )

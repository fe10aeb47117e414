"""The warehouse on real servers: migrations, dimensions, queries, beeline, maintenance."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from events.flight import CONTRACT, SCHEMA_VERSION
from local_stack.sql_endpoint import password_file
from skytier import migrations, reference, spark, warehouse
from skytier.errors import TerminalError, TransientError
from skytier.files import Files
from skytier.migrations import Table
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.ports import PortSettings
from skytier.settings.sql import Role, SqlSettings
from skytier.sql import Connection, SqlError
from skytier.sql import query as run_query

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("stack")]

TABLES = migrations.tables(migrations.read())
QUERIES = sorted((PROJECT_ROOT / "hive" / "queries").glob("*.sql"))
MARK = "a test of the maintenance"
UNMARKED_BATCH = 10**17


@pytest.fixture(scope="module")
def connection(stack: object) -> Iterator[Connection]:
    with Connection() as connection:
        warehouse.migrate(connection, Files(), [CONTRACT])
        yield connection


def count(connection: Connection, source: str) -> int:
    return int(connection.query(f"SELECT count(*) FROM {source}").rows[0][0])


def one_line(type_text: str) -> str:
    """A column's type as DESCRIBE prints it."""
    return " ".join(type_text.replace(", ", ",").split())


def test_migrating_again_changes_nothing(connection: Connection) -> None:
    again = warehouse.migrate(connection, Files(), [CONTRACT])
    assert again == warehouse.Migrated(applied=[], loaded=[], registered={})
    state = warehouse.status(connection)
    assert (state.version, state.pending) == (len(migrations.read()), [])


def test_a_migration_cut_off_before_it_was_recorded_is_repeated(connection: Connection) -> None:
    before = count(connection, "flight_dw.dim_airport")
    connection.query("DELETE FROM flight_dw.schema_migrations WHERE version >= 6")
    assert warehouse.migrate(connection, Files(), [CONTRACT]).applied[:2] == ["dimensions", "views"]
    assert count(connection, "flight_dw.dim_airport") == before


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
def test_tables_are_as_declared(connection: Connection, table: Table) -> None:
    described = connection.query(f"DESCRIBE flight_dw.{table.name}").rows
    columns = {name: (kind, comment) for name, kind, comment in described[: len(table.columns)]}
    assert list(columns) == [column.name for column in table.columns]
    assert {name: comment for name, (_, comment) in columns.items()} == {c.name: c.comment for c in table.columns}
    plain = {c.name: one_line(c.type) for c in table.columns if not c.type.startswith("struct")}
    assert {name: columns[name][0] for name in plain} == plain


def test_dimensions_hold_the_reference(connection: Connection) -> None:
    assert count(connection, "flight_dw.dim_airport") == len(reference.airports())
    assert count(connection, "flight_dw.dim_airline") == len(reference.airlines())
    expected = {tuple(aircraft) for aircraft in reference.aircraft()}
    assert set(connection.query("SELECT * FROM flight_dw.dim_aircraft").rows) == expected


def test_the_contract_is_registered_once(connection: Connection) -> None:
    rows = connection.query("SELECT version, fingerprint, schema_json FROM flight_dw.schema_metadata").dicts()
    (current,) = [row for row in rows if row["version"] == SCHEMA_VERSION]
    assert current["fingerprint"] == CONTRACT.fingerprint()
    assert "FlightEvent" in current["schema_json"]


def test_a_newer_contract_in_the_warehouse_is_an_error(connection: Connection) -> None:
    connection.query(
        "INSERT INTO flight_dw.schema_metadata "
        "VALUES ('flight_event', 999, 'x', current_timestamp(), 1, 'of a later version')"
    )
    try:
        with pytest.raises(TerminalError, match="knows version 999"):
            warehouse.register_contract(connection, CONTRACT)
    finally:
        connection.query("DELETE FROM flight_dw.schema_metadata WHERE version = 999")


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: str(path.stem))
def test_sample_queries_run(connection: Connection, path: Path) -> None:
    assert connection.query(path.read_text().strip().rstrip(";")).columns


@pytest.mark.parametrize("view", migrations.views(migrations.read()))
def test_views_can_be_read(connection: Connection, view: str) -> None:
    assert connection.query(f"SELECT * FROM flight_dw.{view} LIMIT 1").columns


@pytest.mark.parametrize("text", ["it's", 'a "b"', "back\\slash \\' end", "two\nlines; --", "Zürich 機場"])
def test_text_literals_come_back(connection: Connection, text: str) -> None:
    assert connection.query(f"SELECT {warehouse.literal(text)}").rows == [(text,)]


def test_times_and_types_of_results(connection: Connection) -> None:
    statement = "SELECT TIMESTAMP '2013-01-01 12:00:00' AS t, DATE '2013-01-02' AS d, 1.5D AS x, map('a', 1L) AS m"
    result = connection.query(statement)
    (row,) = result.dicts()
    assert row["t"].isoformat() == "2013-01-01T12:00:00+00:00"
    assert row["d"] == date(2013, 1, 2)
    assert (row["x"], row["m"]) == (1.5, '{"a":1}')
    assert result.types == ["timestamp", "date", "double", "map"]


def test_a_wrong_query_says_why_in_one_line(connection: Connection) -> None:
    with pytest.raises(SqlError, match=r"^\[TABLE_OR_VIEW_NOT_FOUND\].*nowhere") as caught:
        connection.query("SELECT * FROM nowhere")
    assert "\n" not in str(caught.value)


def test_an_endpoint_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_PORT_SQL", "1")
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1 does not answer.*skytier stack status"):
        run_query("SELECT 1")


def test_beeline_reads_views(connection: Connection) -> None:
    url = f"jdbc:hive2://{SqlSettings().host}:{PortSettings().sql}/flight_dw"
    beeline = [str(Path(sys.executable).parent / "beeline"), "-u", url, "-n", SqlSettings().reader]
    beeline += ["-w", str(password_file(Role.READER)), "--silent=true"]
    statement = "SELECT count(*) AS airlines FROM dim_airline; SELECT count(*) AS flights FROM flights;"
    done = subprocess.run(
        [*beeline, "--outputformat=csv2", "-e", statement],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    flights = count(connection, "flight_dw.flights")
    assert done.stdout.split() == ["airlines", str(len(reference.airlines())), "flights", str(flights)]
    assert "Exception" not in done.stderr


def insert_prediction(connection: Connection, batch: int) -> None:
    connection.query(
        "INSERT INTO flight_dw.predictions (event_id, flight_id, batch_id, prediction_date) "
        f"VALUES ('{batch}', '{MARK}', {batch}, DATE '2000-01-01')"
    )


@pytest.fixture
def small_files(connection: Connection) -> Iterator[None]:
    """Eight small files of complete batches, and two of one that is not."""
    for batch in range(-8, 0):
        insert_prediction(connection, batch)
    insert_prediction(connection, UNMARKED_BATCH)
    insert_prediction(connection, UNMARKED_BATCH)
    yield
    connection.query(f"DELETE FROM flight_dw.predictions WHERE flight_id = '{MARK}'")


def test_rows_that_several_replace_at_once_are_there_once(connection: Connection) -> None:
    table = f"{migrations.DATABASE}.replaced_at_once"
    connection.query(f"CREATE TABLE {table} (id STRING, writer INT) USING iceberg")

    def write(writer: int) -> None:
        with Connection() as own:
            for _ in range(3):
                warehouse.upsert(own, "replaced_at_once", "id", f"SELECT 'a' AS id, {writer} AS writer")

    try:
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(write, writer) for writer in (1, 2)]:
                done.result()
        assert len(connection.query(f"SELECT * FROM {table}").rows) == 1
    finally:
        connection.query(f"DROP TABLE {table} PURGE")


@pytest.mark.usefixtures("small_files")
def test_maintenance_compacts_complete_batches_and_expires_snapshots(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = f"flight_dw.predictions WHERE flight_id = '{MARK}'"
    files = "flight_dw.predictions.data_files WHERE partition.prediction_date = DATE '2000-01-01'"
    assert (count(connection, rows), count(connection, files)) == (10, 10)
    monkeypatch.setenv("SKYTIER_MAINTENANCE_SNAPSHOT_DAYS", "0.00001")
    monkeypatch.setenv("SKYTIER_MAINTENANCE_SNAPSHOTS_KEPT", "2")
    time.sleep(2)  # what is of the second in which it begins is kept
    spark.submit("maintain_warehouse")
    assert (count(connection, rows), count(connection, files)) == (10, 3)
    assert count(connection, "flight_dw.predictions.snapshots") == 2
    # The batch that is not complete can still be replaced, as the minute job would.
    connection.query(f"DELETE FROM flight_dw.predictions WHERE batch_id = {UNMARKED_BATCH}")
    assert count(connection, rows) == 8


@pytest.fixture
def folder() -> Iterator[str]:
    path = "/tmp/test_files"
    yield path
    Files().delete(path)


def test_files_are_replaced_as_a_whole(folder: str) -> None:
    files, path = Files(), f"{folder}/a/document.json"
    assert not files.exists(path)
    files.write_json_atomically(path, {"number": 1, "text": "Zürich"})
    assert files.read_json(path) == {"number": 1, "text": "Zürich"}
    files.write_json_atomically(path, {"number": 2})
    assert files.read_json(path) == {"number": 2}
    assert files.list(f"{folder}/a") == ["document.json"]
    assert files.size_bytes(folder) == files.size_bytes(path) > 0


def test_files_are_renamed_to_free_places_only(folder: str) -> None:
    files = Files()
    files.write_atomically(f"{folder}/a", b"a")
    files.write_atomically(f"{folder}/b", b"b")
    files.rename(f"{folder}/a", f"{folder}/deep/er/a")
    assert files.read_text(f"{folder}/deep/er/a") == "a"
    with pytest.raises(TerminalError, match="exists already"):
        files.rename(f"{folder}/b", f"{folder}/deep/er/a")
    files.delete(f"{folder}/nothing")
    assert files.list(f"{folder}/nothing") == []


def test_files_say_what_is_wrong(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TerminalError, match=f"could not read {folder}/nothing"):
        Files().read_text(f"{folder}/nothing")
    Files().write_atomically(f"{folder}/text", b"no json")
    with pytest.raises(TerminalError, match="is not JSON"):
        Files().read_json(f"{folder}/text")
    monkeypatch.setenv("SKYTIER_HDFS_WEB_URL", "http://127.0.0.1:1")
    with pytest.raises(TransientError, match=r"http://127\.0\.0\.1:1 does not answer.*skytier stack status"):
        Files().exists("/")

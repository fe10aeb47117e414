"""Who gets into the SQL endpoint, and what each user may do there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psutil
import pytest
from pyhive import exc, hive
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TTransportException
from thrift_sasl import TSaslClientTransport

from skytier.errors import TerminalError
from skytier.settings.base import HOST
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.ports import PortSettings
from skytier.settings.sql import Role, SqlSettings
from skytier.sql import Connection, SqlError, query
from tests import secret_values
from tests.own_stack import OwnStack
from tests.sql_attacks import CHANGES, CODE, ELSEWHERE, SETTINGS

pytestmark = pytest.mark.stack


def connect(**options: Any) -> Any:
    return hive.connect(HOST, PortSettings().sql, **options)


def first_value(connection: Any, statement: str) -> Any:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def told(connection: Connection, statement: str) -> str:
    """The rows of a statement or why it failed."""
    try:
        return json.dumps(connection.query(statement).rows, default=str)
    except SqlError as error:
        return str(error)


def test_nobody_gets_in_without_the_password_of_a_user(stack: OwnStack) -> None:
    user, password = SqlSettings().login(Role.READER)
    operator = SqlSettings().login(Role.OPERATOR)
    attempts = [
        {"username": user},
        {"username": user, "auth": "CUSTOM", "password": "wrong"},
        {"username": user, "auth": "CUSTOM", "password": operator[1]},
        {"username": "root", "auth": "CUSTOM", "password": password},
        {"username": " ", "auth": "CUSTOM", "password": password},
        {"username": user, "auth": "NOSASL"},
    ]
    for options in attempts:
        with pytest.raises((TTransportException, exc.Error, OSError)):
            first_value(connect(**options), "select 1")
    assert first_value(connect(username=user, password=password, auth="CUSTOM"), "select 1") == 1


def test_a_wrong_password_is_said_plainly(stack: OwnStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYTIER_SQL_READER_PASSWORD", "wrong")
    with pytest.raises(TerminalError, match="refuses the password of skytier_reader"):
        query("select 1", Role.READER)


@pytest.mark.parametrize("role", Role)
def test_no_user_runs_code_or_leaves_the_warehouse(stack: OwnStack, role: Role) -> None:
    settings = [f"SET {name}={value}" for name, value in SETTINGS.items()]
    with Connection(role) as connection:
        came_through = {
            s: said for s in (*CODE, *ELSEWHERE, *settings) if "[REFUSED]" not in (said := told(connection, s))
        }
        assert connection.query("SELECT '${env:PATH}', '${system:user.name}'").rows == [
            ("${env:PATH}", "${system:user.name}")
        ]
    assert came_through == {}


def test_a_reader_reads_and_changes_nothing(stack: OwnStack) -> None:
    with Connection(Role.READER) as connection:
        assert {s: said for s in CHANGES if "[REFUSED] This user only reads" not in (said := told(connection, s))} == {}
        for statement in (
            "SHOW TABLES IN flight_dw",
            "SHOW VIEWS IN tiers LIKE 'flight_events'",
            "DESCRIBE TABLE EXTENDED flight_dw.flights",
            "EXPLAIN EXTENDED SELECT * FROM flight_dw.routes",
            "SHOW CREATE TABLE flight_dw.fact_flight_events",
            "USE flight_dw",
            "SELECT count(*) FROM flight_dw.fact_flight_events.snapshots",
            "SELECT tier, count(*) FROM tiers.flight_events GROUP BY tier",
            "SET spark.sql.shuffle.partitions=3",
            f"SELECT * FROM text.`{HdfsSettings().url}/reference/dim_airline.json`",
            "RESET",
        ):
            connection.query(statement)
        assert connection.query("SELECT count(*), '${env:PATH}' FROM flight_dw.dim_airline").rows[0][1] == "${env:PATH}"


def test_a_session_takes_no_rights_or_settings_with_it(stack: OwnStack) -> None:
    user, password = SqlSettings().login(Role.READER)
    login = {"username": user, "password": password, "auth": "CUSTOM"}
    refused = "is the server|CANNOT_MODIFY_STATIC_CONFIG|INVALID_CONF_VALUE|Cannot modify"
    carried = [
        *((f"set:hiveconf:{name}", value, refused) for name, value in SETTINGS.items()),
        ("set:hivevar:spark.sql.variable.substitute", "true", refused),
        ("set:system:user.home", "/tmp", "sets no properties"),
        ("hive.server2.proxy.user", "skytier", "Proxy user substitution is not allowed"),
    ]
    came_through = {}
    for name, value, refusal in carried:
        try:
            came_through[name] = str(first_value(connect(configuration={name: value}, **login), "select 1"))
        except exc.Error as error:
            if not re.search(refusal, str(error)):
                came_through[name] = str(error)[:300]
    assert came_through == {}
    # In the login a client may name whom it wants to be, beside who it is.
    socket = TSocket(HOST, PortSettings().sql)
    sasl = hive.get_installed_sasl(HOST, "PLAIN", None, user, password)
    sasl.authorization_id = "skytier"
    own = hive.Connection(thrift_transport=TSaslClientTransport(lambda: sasl, "PLAIN", socket), username="skytier")
    with pytest.raises(exc.OperationalError, match="This user only reads"):
        first_value(own, "DROP VIEW flight_dw.routes")


def test_no_secret_is_shown(stack: OwnStack) -> None:
    """The values themselves are looked for: in what the endpoint tells, logs, its files, its command line."""
    secrets = secret_values.all_of(stack)
    hot, tables = "tiers.hot_flight_events", ("flight_dw.fact_flight_events", "flight_dw.archived_flight_events")
    asked = (
        *("SET", "SET -v", f"DESCRIBE TABLE EXTENDED {hot}", f"EXPLAIN EXTENDED SELECT * FROM {hot}"),
        *(
            f"EXPLAIN FORMATTED SELECT * FROM {hot}",
            f"EXPLAIN CODEGEN SELECT * FROM {hot}",
            f"SHOW TBLPROPERTIES {hot}",
        ),
        *("SHOW TABLE EXTENDED IN tiers LIKE '*'", f"SELECT * FROM {hot} WHERE raise_error('x') IS NOT NULL"),
        *(f"SHOW CREATE TABLE {name}" for name in (hot, "tiers.flight_events", *tables)),
        *(f"SHOW TBLPROPERTIES {table}" for table in tables),
        *(f"EXPLAIN EXTENDED SELECT * FROM {name}" for name in ("tiers.flight_events", *tables)),
        "DESCRIBE NAMESPACE EXTENDED flight_dw",
    )
    with Connection(Role.OPERATOR) as connection:
        said = [told(connection, statement) for statement in asked]
    process = psutil.Process(stack.servers()["sql"]["pid"])
    said.append(" ".join(process.cmdline()))
    said.append(json.dumps(process.environ()))
    said.extend(path.read_text(errors="replace") for path in (stack.home / "logs").glob("sql*.log"))
    said.append((stack.home / "conf" / "spark-sql.properties").read_text())
    assert secret_values.shown_in("\n".join(said), secrets) == []
    assert (stack.home / "conf" / "sql-users").stat().st_mode & 0o077 == 0


def test_the_endpoint_has_nothing_of_its_starter(stack: OwnStack) -> None:
    names = set(psutil.Process(stack.servers()["sql"]["pid"]).environ())
    assert not [name for name in names if name.startswith("SKYTIER_") and name != "SKYTIER_HOME"]
    assert Path(psutil.Process(stack.servers()["sql"]["pid"]).environ()["SKYTIER_HOME"]) == stack.home

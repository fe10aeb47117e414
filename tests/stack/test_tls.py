"""A stack with TLS: events reach both tiers, everybody is answered as without it, and nobody who speaks plain text.

What may happen to a topic is tested on the same stack (tests/faults/test_open_topic.py).
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import KafkaException
from cryptography import x509
from psycopg.conninfo import make_conninfo
from pyhive import hive
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from thrift.transport.TTransport import TTransportException

from dashboard.panels.hot_tier_size import hot_size
from local_stack import airflow_configuration, certificates, postgres
from local_stack.authority import SERVER_DAYS
from local_stack.certificates import RENEWAL_DAYS
from local_stack.sql_endpoint import password_file
from skytier import hot_tier, kafka_clients, server_probes
from skytier.cache import Cache, Origin
from skytier.kafka_log import KafkaLog
from skytier.server_probes import State
from skytier.settings.base import HOST, PROJECT_ROOT
from skytier.settings.kafka import KafkaSettings, KafkaUser
from skytier.settings.mongodb import MongoSettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.redis import RedisSettings
from skytier.settings.sql import Role, SqlSettings
from skytier.settings.tls import TlsSettings
from skytier.sql import Connection, query
from tests import stores
from tests.conftest import TRACE
from tests.minute_job import drain_by_itself, process, run
from tests.own_stack import WITHOUT, OwnStack
from tests.stack.test_documented_commands import blocks, here

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

EVENTS = 300
# Whatever the server, what it sends is shown by what asked for: which database, and whether inside TLS.
_AIRFLOWS = """
import asyncio, json, os, asyncpg, psycopg2
url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2", "postgresql")
asked = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
with psycopg2.connect(url) as connection, connection.cursor() as cursor:
    cursor.execute(asked)
    found = [cursor.fetchone()[0]]
async def ask():
    connection = await asyncpg.connect(url)
    found.append(await connection.fetchval(asked))
    await connection.close()
asyncio.run(ask())
print(json.dumps(found))
"""


def synthesize(stack: OwnStack, events: int, *options: str) -> int:
    """Publish some events; how many records they are."""
    report = json.loads(run(stack, "synthesize", "--events", str(events), *options, "--json"))
    return int(report["sent"])


def published(topic: str) -> int:
    """The next offsets of a topic, added up."""
    with KafkaLog(KafkaSettings(), topic) as log:
        return sum(end for _, end in log.bounds(log.partitions()).values())


def test_what_was_kept_without_tls_is_there(tls_stack: OwnStack) -> None:
    """PostgreSQL's programs are others now, and read the same data."""
    with hot_tier.client() as mongodb, postgres.connect("airflow") as database:
        assert mongodb[MongoSettings().database]["traces"].find_one() == {"_id": TRACE}
        assert database.execute("select trace from traces").fetchone() == (TRACE,)
        assert database.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone() == (True,)
    consumer = Consumer(kafka_clients.config(KafkaUser.ADMIN) | {"group.id": "tests"})
    assert consumer.get_watermark_offsets(TopicPartition(TRACE, 0), timeout=10) == (0, 1)
    consumer.close()


def test_events_are_in_both_tiers(tls_stack: OwnStack) -> None:
    dead_before = published(KafkaSettings().dead_letter_topic)
    sent = synthesize(tls_stack, EVENTS, "--malformed-rate", "0.05")
    added = process(tls_stack, drain_by_itself)
    assert added["consumed"] == sent
    assert published(KafkaSettings().dead_letter_topic) - dead_before == added["rejected"] > 0
    stored = stores.totals()["stored"]
    with hot_tier.client() as connection:
        assert hot_tier.events(connection).count_documents({}) == stored
    view = "SELECT count(*), count(DISTINCT event_id) FROM tiers.flight_events"
    assert query("SELECT count(*) FROM flight_dw.fact_flight_events").rows == [(stored,)]
    assert query(view).rows == [(stored, stored)]
    (row,) = json.loads(run(tls_stack, "sql", view, "--json"))
    assert set(row.values()) == {stored}


def test_events_are_published(tls_stack: OwnStack) -> None:
    events = KafkaSettings().topic
    before = published(events)
    sent = synthesize(tls_stack, 20, "--seed", "2")
    assert published(events) == before + sent


def test_the_dashboard_asks_the_hot_tier_and_keeps_the_answer(tls_stack: OwnStack) -> None:
    cache, question = Cache(), hot_size()
    first = cache.get(question)
    assert first.origin is not Origin.UNCACHED
    again = cache.get(question)
    assert (again.origin, again.table) == (Origin.CACHED, first.table)


def test_every_server_is_well(tls_stack: OwnStack) -> None:
    found = server_probes.probe_all()
    servers = ("kafka", "mongodb", "redis", "postgres", "sql", "metastore")
    assert {name: found[name].state in (State.OK, State.SLOW) for name in servers} == dict.fromkeys(servers, True)
    assert tls_stack.skytier("stack", "status").returncode == 0


def test_airflow_reaches_its_database(tls_stack: OwnStack) -> None:
    """Through both of its drivers, with the variables that its processes get."""
    python = str(PROJECT_ROOT / ".venv-airflow" / "bin" / "python")
    environment = os.environ | airflow_configuration.environment()
    done = subprocess.run([python, "-c", _AIRFLOWS], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["[true,", "true]"], done.stderr


def ask_mongodb() -> None:
    settings = MongoSettings()
    client = MongoClient[dict[str, object]](
        HOST,
        PortSettings().mongodb,
        directConnection=True,
        serverSelectionTimeoutMS=1000,
        username=settings.user,
        password=settings.password.get_secret_value(),
    )
    with client:
        client.admin.command("ping")


def ask_kafka() -> None:
    login = kafka_clients.config(KafkaUser.MONITOR) | {"security.protocol": "SASL_PLAINTEXT", "log_level": 0}
    AdminClient(login).list_topics(timeout=2)


def ask_postgres() -> None:
    password = PostgresSettings().password_of("airflow")
    server = make_conninfo(host=HOST, port=PortSettings().postgres, dbname="airflow", user="airflow", password=password)
    psycopg.connect(make_conninfo(server, sslmode="disable"))


def ask_redis() -> None:
    with Redis(HOST, PortSettings().redis, password=RedisSettings().password.get_secret_value()) as client:
        client.ping()


def ask_sql() -> None:
    user, password = SqlSettings().login(Role.READER)
    hive.connect(HOST, PortSettings().sql, username=user, password=password, auth="CUSTOM")


PLAIN_TEXT: dict[Callable[[], None], tuple[type[Exception], str]] = {
    ask_mongodb: (ServerSelectionTimeoutError, "connection closed"),
    ask_kafka: (KafkaException, "transport failure|timed out"),
    ask_postgres: (psycopg.OperationalError, "no pg_hba.conf entry.*no encryption"),
    ask_redis: (RedisConnectionError, "Connection closed by server|Connection reset"),
    ask_sql: (TTransportException, "read 0 bytes"),
}


@pytest.mark.parametrize("ask", PLAIN_TEXT)
def test_plain_text_is_refused(tls_stack: OwnStack, ask: Callable[[], None]) -> None:
    """With the right password."""
    refusal, words = PLAIN_TEXT[ask]
    with pytest.raises(refusal, match=words):
        ask()


def test_beeline_is_answered(tls_stack: OwnStack) -> None:
    url = f"jdbc:hive2://{HOST}:{PortSettings().sql}/flight_dw;ssl=true;sslTrustStore={certificates.trust_store()}"
    beeline = [str(Path(sys.executable).parent / "beeline"), "-u", url, "-n", SqlSettings().reader]
    beeline += ["-w", str(password_file(Role.READER)), "--silent=true", "--outputformat=csv2"]
    done = subprocess.run(
        [*beeline, "-e", "SELECT count(*) FROM fact_flight_events"],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert str(stores.totals()["stored"]) in done.stdout.split(), done.stderr


def test_the_code_for_pyhive_connects(tls_stack: OwnStack, tmp_path: Path) -> None:
    (tmp_path / "var").symlink_to(tls_stack.home)
    (code,) = [code for code in blocks("python") if "import ssl" in code]
    command = [sys.executable, "-c", here(code)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_up_replaces_a_certificate_that_ends_soon(tls_stack: OwnStack) -> None:
    address, before = (HOST, PortSettings().redis), tls_stack.servers()["redis"]["pid"]
    certificates.pem("redis").unlink()
    certificates.ensure(now=datetime.now(UTC) - timedelta(days=SERVER_DAYS - RENEWAL_DAYS + 1))
    tls_stack.up(without=(*WITHOUT, "namenode", "metastore", "mongodb", "postgres", "kafka"))
    assert tls_stack.servers()["redis"]["pid"] != before
    shown = ssl.get_server_certificate(address, ca_certs=str(TlsSettings().authority()))
    left = x509.load_pem_x509_certificate(shown.encode()).not_valid_after_utc - datetime.now(UTC)
    assert left > timedelta(days=SERVER_DAYS - 1)


def test_the_password_of_the_key_store_is_shown_nowhere(tls_stack: OwnStack) -> None:
    properties = (tls_stack.home / "conf" / "spark-sql.properties").read_text()
    (password,) = [line.split()[1] for line in properties.splitlines() if "keystore.password" in line]
    name = "hive.server2.keystore.password"
    with Connection(Role.OPERATOR) as connection:
        said = [str(connection.query(f"SET{what}").rows) for what in ("", " -v", f" {name}", f" spark.hadoop.{name}")]
    process = psutil.Process(tls_stack.servers()["sql"]["pid"])
    said += [" ".join(process.cmdline()), str(process.environ())]
    said += [log.read_text(errors="replace") for log in (tls_stack.home / "logs").glob("*.log")]
    assert [text for text in said if password in text] == []

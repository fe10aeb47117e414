"""A Kafka of an earlier version learns to ask for passwords, and Java reads each as it is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local_stack import jvm, processes
from local_stack.kafka import Kafka
from local_stack.stack import SERVERS
from skytier import kafka_clients
from skytier.settings.base import HOST
from skytier.settings.kafka import KafkaUser
from skytier.settings.ports import PortSettings
from tests import stores
from tests.own_stack import OwnStack, own_stack, settings_of
from tests.stack.test_kafka_access import EVENTS, Config, failures, results

pytestmark = pytest.mark.stack

EARLIER = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
"""


@pytest.fixture
def earlier() -> Iterator[OwnStack]:
    """A stack of which only Kafka runs, started by the version that asked nobody for a password."""
    with own_stack("earlier") as own, settings_of(own):
        server, data = Kafka(), own.home / "data" / "kafka"
        file = Kafka._properties_file()
        ports = {"port": PortSettings().kafka, "controller": PortSettings().kafka_controller}
        file.write_text(EARLIER.format(host=HOST, data=data, **ports))
        cluster = ["--cluster-id=AAAAAAAAAAAAAAAAAAAAAA", "--config", str(file)]
        jvm.run(server._java("kafka.tools.StorageTool", "format", *cluster), "Formatting")
        processes.start("kafka", server.command(), server.whole_environment())
        yield own


def test_a_home_of_an_earlier_version_asks_for_passwords_and_keeps_what_it_has(earlier: OwnStack) -> None:
    anonymous: Config = {"bootstrap.servers": Kafka().address(), "log_level": 0}
    mine = {"group.id": "skytier-operator-test", "enable.auto.commit": False}
    admin = AdminClient(anonymous)
    results(admin.create_topics([NewTopic(EVENTS, 2, 1)]))
    producer = Producer(anonymous)
    producer.produce(EVENTS, b"kept", partition=1)
    assert producer.flush(10) == 0
    consumer = Consumer(anonymous | mine)
    consumer.commit(offsets=[TopicPartition(EVENTS, 1, 1)], asynchronous=False)
    consumer.close()
    (before,) = results(admin.describe_topics(TopicCollection([EVENTS])))

    for _ in range(2):  # the second start has users from its log
        earlier.up(without=[server.name for server in SERVERS if server.name != "kafka"])
        assert KafkaError._AUTHENTICATION not in failures(anonymous)
        config = kafka_clients.config(KafkaUser.OPERATOR)
        operator = AdminClient(config)
        (after,) = results(operator.describe_topics(TopicCollection([EVENTS])))
        assert (str(after.topic_id), len(after.partitions)) == (str(before.topic_id), 2)
        assert stores.topic_records() == [(1, 0, b"kept")]
        consumer = Consumer(config | mine)
        (committed,) = consumer.committed([TopicPartition(EVENTS, 1)], timeout=10)
        consumer.close()
        assert committed.offset == 1
        earlier.down()
    assert "PLAIN" not in kafka_users_of(Kafka._properties_file())


def kafka_users_of(properties: Path) -> str:
    """By which mechanisms clients may log in."""
    lines = dict(line.split("=", 1) for line in properties.read_text().splitlines())
    return lines["listener.name.client.sasl.enabled.mechanisms"]


READ = """
import java.io.FileReader;
import java.util.Properties;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

class Read {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            Properties read = new Properties();
            read.load(new FileReader(file));
            Password login = new Password(read.getProperty("sasl.jaas.config"));
            JaasContext found = JaasContext.loadClientContext(java.util.Map.of("sasl.jaas.config", login));
            Object password = found.configurationEntries().get(0).getOptions().get("password");
            for (char unit : password.toString().toCharArray()) System.out.printf("%04x", (int) unit);
            System.out.println();
        }
    }
}
"""


def test_java_reads_every_password_as_it_is(tmp_path: Path) -> None:
    passwords = ["plain", 'a"b', "back\\slash", "\\u0041", "ümlaut", "😀", "a b;c='#!", "${file:x:y}", "\\", '\\"']
    (tmp_path / "Read.java").write_text(READ)
    files = [tmp_path / f"{number}.properties" for number in range(len(passwords))]
    for file, password in zip(files, passwords, strict=True):
        jaas = kafka_clients.jaas("SCRAM-SHA-256", "a", password)
        file.write_text(kafka_clients.property_line("sasl.jaas.config", jaas))
    java = [str(jvm.java_home() / "bin" / "java"), "-cp", jvm.jars("kafka"), str(tmp_path / "Read.java")]
    read = subprocess.run([*java, *map(str, files)], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [bytes.fromhex(line).decode("utf-16-be") for line in read] == passwords

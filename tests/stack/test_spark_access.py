"""The ports of a Spark driver answer who knows the run's secret, and nobody else; its pages show no secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from py4j.java_gateway import GatewayParameters, JavaGateway
from py4j.protocol import Py4JAuthenticationError, Py4JError, Py4JJavaError
from pyspark.java_gateway import launch_gateway

from skytier.settings.base import HOST
from skytier.settings.ports import PortSettings
from tests.own_stack import OwnStack
from tests.spark_pages import SparkPages

pytestmark = pytest.mark.stack

HEARTBEATS = "HeartbeatReceiver"  # every driver has it


@pytest.fixture(scope="module")
def jvm() -> Iterator[Any]:
    """A JVM with Spark's classes and no Spark application: any other program of this machine."""
    gateway = launch_gateway()  # type: ignore[no-untyped-call]
    yield gateway.jvm
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(timeout=60)


def driver_ports(stack: OwnStack) -> list[int]:
    """The ports of the SQL endpoint that the system handed out: RPC and blocks."""
    endpoint = psutil.Process(stack.servers()["sql"]["pid"])
    listening = [one.laddr.port for one in endpoint.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return [port for port in listening if port != PortSettings().sql]


def ask(jvm: Any, port: int, secret: str | None, encrypted: str) -> None:
    """Look for an endpoint of the driver at a port. Raises Py4JJavaError where it is not there, or not for us."""
    conf = jvm.org.apache.spark.SparkConf(False).set("spark.rpc.askTimeout", "5s").set("spark.rpc.lookupTimeout", "5s")
    conf.set("spark.network.timeout", "5s").set("spark.rpc.io.connectionTimeout", "5s")
    if secret is not None:
        conf.set("spark.authenticate", "true").set("spark.authenticate.secret", secret)
        conf.set("spark.network.crypto.enabled", encrypted)
    none = getattr(jvm.scala, "None$").__getattr__("MODULE$")
    security = jvm.org.apache.spark.SecurityManager(conf, none, conf.get("none", None))
    security.initializeAuth()
    asking = jvm.org.apache.spark.rpc.RpcEnv.create("asking", HOST, 0, conf, security, True)
    try:
        asking.setupEndpointRef(jvm.org.apache.spark.rpc.RpcAddress(HOST, port), HEARTBEATS)
    finally:
        asking.shutdown()


@pytest.mark.parametrize(("secret", "encrypted"), [(None, "false"), ("a wrong one", "false"), ("a wrong one", "true")])
def test_a_driver_answers_nobody_without_its_secret(
    stack: OwnStack, jvm: Any, secret: str | None, encrypted: str
) -> None:
    ports = driver_ports(stack)
    assert len(ports) == 2
    for port in ports:
        with pytest.raises(Py4JJavaError):
            ask(jvm, port, secret, encrypted)


def java_version(port: int, token: str | None) -> str:
    """Run Java in the process behind a port, as pyspark does. Raises Py4JError where it does not let us."""
    parameters = GatewayParameters(port=port, auth_token=token, read_timeout=1)
    gateway = JavaGateway(gateway_parameters=parameters)
    try:
        return str(gateway.jvm.java.lang.System.getProperty("java.version"))
    finally:
        gateway.close()


def test_no_port_of_a_job_runs_java_for_who_lacks_its_secret(stack: OwnStack, jvm: Any) -> None:
    own = jvm._gateway_client.java_parameters
    assert java_version(own.port, own.auth_token).startswith("17")
    driver = psutil.Process(stack._drivers[-1].pid)
    listening = [
        one.laddr[1]
        for process in (driver, *driver.children(recursive=True))
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 4, "RPC, blocks, Py4J, accumulators"
    refused = []
    for port in listening:
        for token in (None, "a wrong one"):
            with pytest.raises(Py4JError) as error:
                java_version(port, token)
            refused.append(error.type)
    assert Py4JAuthenticationError in refused


def test_pages_and_events_of_a_job_show_no_secret(open_january: tuple[dict[str, int], SparkPages]) -> None:
    _, told = open_january
    assert "spark.authenticate" in told.pages["/environment/"]
    assert any(page.startswith("/SQL/execution/") for page in told.pages)
    assert "SparkListenerSQLExecutionStart" in told.event_log
    used = {"SKYTIER_KAFKA_JOB_PASSWORD", "SKYTIER_MONGODB_PASSWORD", "PYTHON_WORKER_FACTORY_SECRET"}
    assert told.secrets.keys() >= used
    assert told.shown() == {}

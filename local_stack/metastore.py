"""The Hive metastore, from the jars of pyspark, through our own small launcher."""

from __future__ import annotations

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType, TType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from local_stack import jvm
from local_stack.server import Server
from skytier import spark
from skytier.settings import HOST, HdfsSettings, MetastoreSettings, PortSettings, PostgresSettings


class Metastore(Server):
    """The catalog of all tables; keeps it in PostgreSQL."""

    name = "metastore"
    needs = ("postgres",)

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_METASTORE": PortSettings().metastore}

    def address(self) -> str:
        return MetastoreSettings().uri

    def command(self) -> list[str]:
        ports = PortSettings()
        database = f"jdbc:postgresql://{HOST}:{ports.postgres}/metastore"
        hdfs = HdfsSettings().url
        arguments = [HOST, str(ports.metastore), database, PostgresSettings().user, hdfs, f"{hdfs}/warehouse"]
        classpath = [str(jvm.compiled()), jvm.jars("metastore"), f"{spark.spark_home()}/jars/*"]
        return jvm.java("MetastoreServer", *arguments, classpath=classpath, heap_mb=256, options=[jvm.QUICK_START])

    def environment(self) -> dict[str, str]:
        password = PostgresSettings().password.get_secret_value()
        return jvm.hadoop_environment() | {"SKYTIER_POSTGRES_PASSWORD": password}

    def ready(self) -> bool:
        """Call ``getStatus``, which every service of this kind has, and look for the answer's enum ALIVE (2)."""
        socket = TSocket(HOST, PortSettings().metastore)
        socket.setTimeout(3000)
        transport = TBufferedTransport(socket)
        transport.open()
        try:
            protocol = TBinaryProtocol(transport)
            protocol.writeMessageBegin("getStatus", TMessageType.CALL, 0)
            protocol.writeStructBegin("getStatus_args")
            protocol.writeFieldStop()
            protocol.writeMessageEnd()
            transport.flush()
            _, kind, _ = protocol.readMessageBegin()
            if kind != TMessageType.REPLY:
                return False
            protocol.readStructBegin()
            _, field_type, _ = protocol.readFieldBegin()
            return bool(field_type == TType.I32 and protocol.readI32() == 2)
        finally:
            transport.close()

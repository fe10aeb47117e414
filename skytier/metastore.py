"""The Hive metastore, asked whether it is alive."""

from __future__ import annotations

from urllib.parse import urlsplit

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TMessageType, TType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from skytier.settings.metastore import MetastoreSettings

_ALIVE = 2


def is_alive(seconds: float) -> bool:
    """Call ``getStatus``, which every service of this kind has, and look for the answer's enum ALIVE.

    Of several metastores the first is asked. Raises TTransportException when it does not answer in time.
    """
    address = urlsplit(MetastoreSettings().uri.partition(",")[0])
    socket = TSocket(address.hostname, address.port)
    socket.setTimeout(seconds * 1000)
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
        return bool(field_type == TType.I32 and protocol.readI32() == _ALIVE)
    finally:
        transport.close()

"""How clients reach the SQL endpoint: Thrift with user and password (SASL PLAIN), inside TLS where that is set."""

from __future__ import annotations

import ssl
from typing import Any

from pyhive import hive
from thrift.transport.TSocket import TSocket
from thrift.transport.TSSLSocket import TSSLSocket
from thrift_sasl import TSaslClientTransport

from skytier.settings.tls import TlsSettings


class _Socket(TSSLSocket):  # type: ignore[misc]
    """As Thrift has it, but for this: closed where it could not be opened, it would hide why."""

    def close(self) -> None:
        if self.handle is not None:
            super().close()


def transport(host: str, port: int, user: str, password: str, seconds: float | None = None) -> Any:
    """A transport for PyHive, which opens it; it waits for each answer no longer than this.

    With TLS the server has to show a certificate of its host's name that an authority which is trusted has signed.
    """
    tls = TlsSettings()
    if tls.enabled:
        socket = _Socket(host, port, ssl_context=ssl.create_default_context(cafile=str(tls.authority())))
    else:
        socket = TSocket(host, port)
    if seconds is not None:
        socket.setTimeout(seconds * 1000)
    return TSaslClientTransport(lambda: hive.get_installed_sasl(host, "PLAIN", None, user, password), "PLAIN", socket)


def untrusted(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """What TLS said of the server's certificate, where that is why a transport could not be opened."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = getattr(error, "inner", None) or error.__cause__ or error.__context__
    return error

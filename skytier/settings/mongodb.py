"""Settings of MongoDB, the hot tier."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import Settings, stack_env_file
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.tls import TlsSettings

REPLICA_SET = "rs0"
"""name of the replica set of the local stack's servers"""


class MongoSettings(Settings):
    """MongoDB, the hot tier."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_MONGODB_")

    uri: SecretStr = Field(SecretStr(""), description="connection string; empty: the local stack's")
    reader_uri: SecretStr = Field(
        SecretStr(""),
        description="connection string of a read-only user, for SQL; empty: SKYTIER_MONGODB_URI, or the local stack's",
    )
    user: str = Field("skytier", description="user of the local stack's server that reads and writes the hot tier")
    password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    dashboard_user: str = Field(
        "skytier-dashboard", description="user of the dashboard, which reads the hot tier and updates alerts"
    )
    dashboard_password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    reader_user: str = Field("skytier-reader", description="user of the SQL endpoint, which reads the hot tier")
    reader_password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    admin_user: str = Field("skytier-admin", description="user with all privileges; for set-up only")
    admin_password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    key_file: str = Field(
        "",
        description="key file by which members of the local stack's replica set know each other; empty: one that is "
        "generated in `conf`, for a set of one",
    )
    database: str = Field("flight_tracking", description="database of the hot tier")
    collection: str = Field("flight_events", description="collection of the flight events")

    def connection_string(self) -> str:
        """The connection string. It contains the password: never log it."""
        return self.uri.get_secret_value() or self._local(self.user, self.password, "SKYTIER_MONGODB_PASSWORD")

    def reader_connection_string(self) -> str:
        """The connection string of the read-only user, for the views of SQL. It contains a password: never log it.

        The Java driver reads authorities from the JVM's trust store and not from the URI.
        """
        if given := self.reader_uri.get_secret_value() or self.uri.get_secret_value():
            return given
        return self._local(self.reader_user, self.reader_password, "SKYTIER_MONGODB_READER_PASSWORD", of_java=True)

    @staticmethod
    def local_parameters(login_of: str = "", *, of_java: bool = False, directly: bool = False) -> str:
        """The query part of a URI of the local stack's server; ``login_of``: the database of the user.

        A server is asked ``directly`` where it is the only one of its replica set, or has to answer for itself.
        """
        parameters = {"authSource": login_of} if login_of else {}
        is_alone = len(HostSettings().all_of("mongodb")) == 1
        parameters |= {"directConnection": "true"} if directly or is_alone else {"replicaSet": REPLICA_SET}
        parameters |= {"w": "majority"}
        tls = TlsSettings()
        if tls.enabled:
            parameters |= {"tls": "true"} if of_java else {"tls": "true", "tlsCAFile": str(tls.authority())}
        return urlencode(parameters, quote_via=quote)

    def _local(self, user: str, password: SecretStr, variable: str, *, of_java: bool = False) -> str:
        if not password.get_secret_value():
            raise TerminalError(
                f"{variable} is not set and {stack_env_file()} does not hold it: "
                "start the local stack with 'make up', or set SKYTIER_MONGODB_URI."
            )
        login = f"{quote(user)}:{quote(password.get_secret_value(), safe='')}"
        parameters = self.local_parameters("admin", of_java=of_java)
        servers = HostSettings().addresses("mongodb", PortSettings().mongodb)
        return f"mongodb://{login}@{servers}/?{parameters}"

"""PostgreSQL: the database of Airflow and of the Hive metastore, from the binaries of a wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from local_stack import certificates, postgres_owners
from local_stack.postgres_programs import program
from local_stack.server import Server, conf_folder, data_folder, write_private
from skytier.atomic_dir import atomic_dir
from skytier.errors import TerminalError
from skytier.settings.base import home
from skytier.settings.hosts import BindSettings, HostSettings
from skytier.settings.ports import PortSettings
from skytier.settings.postgres import PostgresSettings
from skytier.settings.tls import TlsSettings

DATABASES = ("airflow", "metastore")
# PostgreSQL refuses to run as root. For root it becomes this user, but keeps the one right to pass through folders that
# only root may enter: the project may lie in such a folder. The secure bit makes access(2) agree with open(2).
_PLAIN_USER = "nobody"
_KEEP_FILE_ACCESS = (
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--securebits=+no_setuid_fixup",
)


class Postgres(Server):
    """One server with a database for each of its two users."""

    name = "postgres"
    stop_signal = signal.SIGINT  # SIGTERM would wait until every client has gone

    def ports(self) -> dict[str, int]:
        return {"SKYTIER_PORT_POSTGRES": PortSettings().postgres}

    def address(self) -> str:
        return f"{HostSettings().postgres}:{PortSettings().postgres}"

    def configure(self) -> None:
        settings = self._settings()
        if "hba_file" in settings:
            kind = "hostssl" if TlsSettings().enabled else "host"
            write_private(self._access_file(), f"local all all scram-sha-256\n{kind} all all all scram-sha-256\n")
        # For a server of another installation, such as that of an image: its sockets and data are where it has them.
        lines = [f"{name} = '{value}'\n" for name, value in settings.items() if name != "unix_socket_directories"]
        write_private(conf_folder() / "postgresql.conf", "".join(lines))

    def prepare(self) -> None:
        self.configure()
        if not data_folder(self.name).exists():
            with atomic_dir(data_folder(self.name)) as folder:
                self._create(folder)

    def _create(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        password_file = home() / "run" / "postgres-password"
        if os.geteuid() == 0:
            account = _account()
            os.chown(folder, account.pw_uid, account.pw_gid)
        options = ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C"]
        command = [*_as_plain_user(), program("initdb"), "-D", str(folder), "-U", PostgresSettings().user, *options]
        try:
            write_private(password_file, PostgresSettings().password.get_secret_value() + "\n")
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=home())
        finally:
            password_file.unlink(missing_ok=True)
        if done.returncode != 0:
            raise TerminalError(f"initdb failed with status {done.returncode}:\n{done.stdout}{done.stderr}")

    def command(self) -> list[str]:
        options = [part for key, value in self._settings().items() for part in ("-c", f"{key}={value}")]
        return [*_as_plain_user(), program("postgres"), "-D", str(data_folder(self.name)), *options]

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": BindSettings().address,
            "port": str(PortSettings().postgres),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": "80",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        if TlsSettings().enabled:
            file = str(certificates.pem(self.name))
            settings |= {"ssl": "on", "ssl_cert_file": file, "ssl_key_file": file}
        if TlsSettings().enabled or not BindSettings().is_loopback:  # its own rules are for this host, without TLS
            settings["hba_file"] = str(self._access_file())
        return settings

    @staticmethod
    def _access_file() -> Path:
        return conf_folder() / "postgres-tls.hba"

    def responds(self) -> bool:
        with _connect_superuser("postgres") as connection:
            return connection.execute("select 1").fetchone() == (1,)

    def ready(self) -> bool:
        for database in DATABASES:
            check_login(database)
        return True

    def set_up(self) -> None:
        """Make the databases and their users; what an earlier version's superuser made in them is handed over."""
        settings = PostgresSettings()
        with _connect_superuser("postgres") as connection:
            connection.autocommit = True
            postgres_owners.close(connection, "postgres", "template1")
            for database in DATABASES:
                postgres_owners.ensure_user(connection, database, settings.password_of(database))
                postgres_owners.ensure_database(connection, database)
            postgres_owners.ensure_monitor(
                connection, "monitor", settings.monitor_password.get_secret_value(), "airflow"
            )
        for database in DATABASES:
            with _connect_superuser(database) as connection:
                postgres_owners.hand_over(connection, database)


def connect(database: str) -> psycopg.Connection:
    """A connection to one of the databases, as its owner."""
    return _connect(database, database, PostgresSettings().password_of(database))


def check_login(database: str) -> None:
    """Whether the owner of a database can work with it; raises what the server says where it cannot."""
    with connect(database) as connection:
        connection.execute("select 1")


def _connect_superuser(database: str) -> psycopg.Connection:
    settings = PostgresSettings()
    return _connect(database, settings.user, settings.password.get_secret_value())


def _connect(database: str, user: str, password: str) -> psycopg.Connection:
    server = make_conninfo(host=HostSettings().postgres, port=PortSettings().postgres, connect_timeout=3)
    login = make_conninfo(server, dbname=database, user=user, password=password)
    return psycopg.connect(make_conninfo(login, **PostgresSettings.tls_parameters()))


def _account() -> pwd.struct_passwd:
    return pwd.getpwnam(_PLAIN_USER)


def _as_plain_user() -> list[str]:
    """What stands before a PostgreSQL command: nothing, except for root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise TerminalError(
            "PostgreSQL does not run as root, and setpriv (package util-linux) is not there to run it "
            f"as {_PLAIN_USER}: install util-linux or use another user."
        )
    account = _account()
    return [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", *_KEEP_FILE_ACCESS, "--"]

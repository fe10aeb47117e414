"""``skytier stack up|down|status|clean|certificates``: the local stack."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from local_stack import certificates, health, retention, stack
from local_stack.dashboard import Dashboard
from local_stack.health import Health
from local_stack.progress import Progress
from local_stack.sql_endpoint import SqlEndpoint
from skytier import terminal
from skytier.settings.airflow import AirflowSettings
from skytier.settings.base import PROJECT_ROOT, home, stack_env_file
from skytier.settings.dashboard import DashboardSettings
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.tls import TlsSettings


def up(*, without: Annotated[list[str], Parameter(consume_multiple=True)] | None = None) -> None:
    """Start what does not run, repair what does not answer, and wait until all servers are ready.

    Parameters
    ----------
    without
        Servers to leave out; those that need them are left out too.
    """
    progress = Progress()
    stack.up(stack.select(without or []), progress)
    progress.total(f"The stack in {home()} is up")
    _print_addresses()
    if old := health.older_than(PROJECT_ROOT / "local_stack", stack.SERVERS):
        print(f"Started before the code of the stack last changed: {', '.join(old)}. 'skytier stack down', then 'up', ")
        print("lets them run as it says now: an update may have closed what they leave open.")


def down(*names: str) -> None:
    """Stop servers; their data stays.

    Parameters
    ----------
    names
        Which ones; all of them when none is named.
    """
    progress = Progress()
    stack.down(names, progress)
    progress.total("Stopped" if names else f"The stack in {home()} is down")


def status(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Show every server. Exit status 1 when one that was started is dead or does not answer, or when none runs.

    Parameters
    ----------
    as_json
        Print one JSON array instead of a table.
    """
    healths = health.status(stack.SERVERS)
    if as_json:
        print(json.dumps([asdict(one) for one in healths], default=str, indent=2))
    else:
        _print_table(healths)
    started = [one for one in healths if one.state != "stopped"]
    if not started or any(one.state != "ready" for one in started):
        sys.exit(1)


def clean(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> None:
    """Delete logs, and Airflow's records of its runs, that are older than SKYTIER_MAINTENANCE_LOG_DAYS.

    The maintenance DAG does it every hour.

    Parameters
    ----------
    as_json
        Print what was deleted and what is left as JSON.
    """
    cleaned = retention.clean()
    if as_json:
        print(cleaned.model_dump_json())
        return
    print(
        f"Deleted what is older than {cleaned.older_than:%Y-%m-%d}: {cleaned.files_deleted:,} files of "
        f"{cleaned.bytes_deleted / 1e6:,.1f} MB, {cleaned.rows_deleted:,} rows of Airflow's database.\n"
        f"Left: {cleaned.files:,} files of {cleaned.size_bytes / 1e6:,.1f} MB"
        + ("." if cleaned.database_bytes is None else f", a database of {cleaned.database_bytes / 1e6:,.1f} MB.")
    )


def make_certificates(
    *,
    name: Annotated[list[str], Parameter(consume_multiple=True)] | None = None,
    renew: bool = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Make a test authority, and a certificate for each server that speaks TLS where SKYTIER_TLS_ENABLED is set.

    What is there and good stays. 'skytier stack up' makes what is missing by itself. Servers take a new certificate
    when they are started.

    Parameters
    ----------
    name
        Names of hosts, and addresses, that clients call the servers by, beside localhost and 127.0.0.1.
    renew
        Make the certificates of all servers anew.
    as_json
        Print one JSON array instead of a table.
    """
    found = stack.make_certificates(name or [], renew=renew)
    if as_json:
        print(json.dumps([asdict(one) for one in found], default=str, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("certificate", "", "until", "names", "file"):
        table.add_column(column)
    for one in found:
        state = "made" if one.was_made else "was there"
        terminal.add_row(table, one.owner, state, f"{one.until:%Y-%m-%d}", ", ".join(one.names), one.file)
    terminal.print_table(table)
    print(f"Give clients {TlsSettings().authority()}; those in Java, such as beeline, {certificates.trust_store()}.")
    for one in found:
        if one.owner == "authority":
            print(f"SHA-256 of the authority's certificate: {one.sha256}")
    if not TlsSettings().enabled:
        print("TLS is off: set SKYTIER_TLS_ENABLED=1, then 'make down' and 'make up'.")


def operator_link() -> None:
    """Show the link that makes a browser an operator's: on a terminal with the token, elsewhere without."""
    print(_operator_link(Dashboard().address()))


def _print_table(healths: list[Health]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("server", "state", "address", "MB", "log"):
        table.add_column(column)
    for one in healths:
        state: str = one.state
        if state == "dead" and one.last_log_line_at:
            state = f"dead (last log line {one.last_log_line_at:%Y-%m-%d %H:%M:%S}Z)"
        terminal.add_row(table, one.name, state, one.address, f"{one.memory_mb:.0f}", one.log)
    terminal.print_table(table)
    for one in healths:
        if one.reason:
            terminal.say(f"{one.name} is {one.state}: {one.reason}.")
        elif one.state in ("dead", "not ready"):
            print(f"{one.name} is {one.state}: see {one.log}; 'skytier stack up' repairs it.")


def _print_addresses() -> None:
    settings = AirflowSettings()
    others = ", of others SKYTIER_AIRFLOW_PASSWORD_<NAME>," if settings.users else ""
    password = f"password: SKYTIER_AIRFLOW_PASSWORD{others} in {stack_env_file()}"
    lines = {
        "Dashboard": Dashboard().address(),
        "operator": _operator_link(Dashboard().address()),
        "Airflow": f"{settings.base_url}  (user {settings.user}, {password})",
        "SQL": f'{SqlEndpoint().address()}  (or: skytier sql "select ...")',
        "HDFS": HdfsSettings().url,
        "logs": home() / "logs",
    }
    for name, place in lines.items():
        print(f"  {name:<9} {place}")


def _operator_link(dashboard: str) -> str:
    """What makes a browser an operator's: on a terminal a link with the token, elsewhere, such as in a log, without."""
    if DashboardSettings().sign_in != "off":
        return f"{dashboard}  (operators sign in)"
    if not sys.stdout.isatty():
        return f"{dashboard}/operator  (token: SKYTIER_DASHBOARD_OPERATOR_TOKEN in {stack_env_file()})"
    return f"{dashboard}/operator#{DashboardSettings().operator_token.get_secret_value()}"

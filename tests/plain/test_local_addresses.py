"""From where the dashboard takes the operator's token: this machine, and what a setting counts as it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from dashboard import local_addresses, operator_token
from dashboard.access import Role, local_role
from skytier.errors import TerminalError
from skytier.settings.dashboard import DashboardSettings

pytestmark = pytest.mark.plain

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t00000000\t010013AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
"""


def settings(addresses: str) -> DashboardSettings:
    return DashboardSettings(operator_token=SecretStr("a token"), local_addresses=addresses)


def role(address: str, addresses: str, *headers: str) -> Role:
    cookie = operator_token.cookie_value(settings(addresses))
    return local_role(cookie, address, headers, settings(addresses))


@pytest.mark.parametrize("address", ["172.19.0.1", "10.1.2.3", "127.0.0.1"])
def test_who_comes_from_a_local_address_may_use_the_token(address: str) -> None:
    assert role(address, "172.19.0.1, 10.1.2.0/24") is Role.OPERATOR


@pytest.mark.parametrize("address", ["172.19.0.2", "10.1.3.3", "", "gateway", "172.19.0.1.example.org"])
def test_nobody_else_may(address: str) -> None:
    assert role(address, "172.19.0.1, 10.1.2.0/24") is Role.VIEWER


def test_who_comes_there_through_a_proxy_may_not() -> None:
    assert role("172.19.0.1", "172.19.0.1", "X-Forwarded-For") is Role.VIEWER


def test_the_host_of_a_container_is_its_default_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "route").write_text(ROUTES)
    assert local_addresses.gateway(tmp_path / "route") == "172.19.0.1"
    (tmp_path / "none").write_text("".join(ROUTES.splitlines(keepends=True)[:2]))
    assert local_addresses.gateway(tmp_path / "none") == ""
    assert local_addresses.gateway(tmp_path / "of another system") == ""
    monkeypatch.setattr(local_addresses, "gateway", lambda: "172.20.0.1")
    assert role("172.20.0.1", "gateway") is Role.OPERATOR
    assert role("172.20.0.2", "gateway") is Role.VIEWER


def test_without_a_gateway_nobody_is_let_in_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_addresses, "gateway", lambda: "")
    assert role("172.21.0.1", "gateway,") is Role.VIEWER


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(TerminalError, match=r"SKYTIER_DASHBOARD_LOCAL_ADDRESSES has 'docker': write addresses"):
        role("172.19.0.1", "docker")

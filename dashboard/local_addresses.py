"""Addresses that count as this machine: those of a setting, and the host of a container."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from skytier.errors import TerminalError

GATEWAY = "gateway"
_ROUTES = Path("/proc/net/route")
_DEFAULT = "00000000"
_DESTINATION, _NEXT_HOP = 1, 2  # columns of the kernel's table


@cache
def contain(setting: str, address: str) -> bool:
    """Whether the addresses and networks of the setting have this one. Raises TerminalError where one is none."""
    parts = [part.strip() for part in setting.split(",") if part.strip()]
    networks = [_network(gateway() if part == GATEWAY else part) for part in parts]
    try:
        asked = ip_address(address)
    except ValueError:
        return False
    return any(asked in network for network in networks if network is not None)


def gateway(routes: Path = _ROUTES) -> str:
    """The default gateway; empty where there is none.

    A container sees it as the address of who comes by a port that its host publishes on loopback.
    """
    lines = [line.split() for line in routes.read_text().splitlines()[1:]] if routes.exists() else []
    found = [line[_NEXT_HOP] for line in lines if line[_DESTINATION] == _DEFAULT]
    return str(IPv4Address(int.from_bytes(bytes.fromhex(found[0]), "little"))) if found else ""


def _network(text: str) -> IPv4Network | IPv6Network | None:
    if not text:
        return None
    try:
        return ip_network(text)
    except ValueError as error:
        raise TerminalError(
            f"SKYTIER_DASHBOARD_LOCAL_ADDRESSES has {text!r}: write addresses such as 10.1.2.3, networks such as "
            f"10.1.2.0/24, or {GATEWAY}."
        ) from error

"""The throttle of sign-in attempts: a limit for each address, and one for all addresses together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address

_V6_HOST_BITS = 64  # a client with an IPv6 address has a network of 64 bits


@dataclass
class Throttle:
    """Recent failed attempts. Thread-safe; bounded by ``overall``."""

    per_address: int = 5
    overall: int = 100
    seconds: float = 300.0
    """how long a failed attempt counts"""
    clock: Callable[[], float] = time.monotonic
    _tries: deque[tuple[float, str]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_seconds(self, address: str | None) -> float:
        """Count an attempt from an address (None: this machine). Returns 0 if it is allowed, else the time to wait.

        An attempt counts from its start, so that parallel attempts count. One that has to wait does not count.
        """
        now, key = self.clock(), _key(address)
        with self._lock:
            while self._tries and now - self._tries[0][0] >= self.seconds:
                self._tries.popleft()
            own = [at for at, other in self._tries if other == key]
            limits = ((own, self.per_address), (self._all(), self.overall))
            if began := [tries[-most] for tries, most in limits if len(tries) >= most]:
                return max(began) + self.seconds - now
            self._tries.append((now, key))
            return 0.0

    def _all(self) -> list[float]:
        return [at for at, _ in self._tries]

    def forgive(self, address: str | None) -> None:
        """Forget the attempts of an address after a successful one."""
        key = _key(address)
        with self._lock:
            self._tries = deque(one for one in self._tries if one[1] != key)


def until(wait_seconds: float) -> str:
    """When the next attempt is allowed: the time in UTC, and in how many minutes or seconds."""
    at = datetime.now(UTC) + timedelta(seconds=wait_seconds)
    shown = f"{wait_seconds / 60:.0f} minutes" if wait_seconds >= 90 else f"{max(1, round(wait_seconds))} seconds"
    return f"{at:%H:%M:%S} UTC, in {shown}"


def _key(address: str | None) -> str:
    try:
        found = ip_address(address or "127.0.0.1")
    except ValueError:
        return str(address)
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or (int(found) >> _V6_HOST_BITS))
    return str(found)


sign_ins = Throttle()
"""of this server, for passwords and tokens"""

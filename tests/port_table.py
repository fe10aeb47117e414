"""The table of ports in ``docs/security.md``, which says what each server asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_stack.stack import SERVERS
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.ports import PortSettings

PAGE = PROJECT_ROOT / "docs" / "security.md"
_ROW = re.compile(r"^\| (?P<server>[^|]+) \| (?P<port>\d+) \| (?P<asks_for>[^|]+) \|", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One port: whose it is, its number without an offset, and what is asked of who comes."""

    server: str
    port: int
    asks_for: str

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked for."""
        return "**nothing**" in self.asks_for


def rows() -> list[Row]:
    """All ports that are documented."""
    found = _ROW.finditer(PAGE.read_text(encoding="utf-8"))
    return [Row(row["server"].strip(), int(row["port"]), row["asks_for"].strip()) for row in found]


def ports_of(server: str) -> list[int]:
    """The ports that a server of the stack has by its settings, without an offset."""
    (known,) = [one for one in SERVERS if one.name == server]
    fields = [setting.removeprefix("SKYTIER_PORT_").lower() for setting in known.ports()]
    return [PortSettings.model_fields[field].default for field in fields]

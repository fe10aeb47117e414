"""Compose files as docker compose reads them: one on top of another, as far as this project's files go.

``tests/containers/test_cluster.py`` compares the result with what docker compose itself makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Service = dict[str, Any]


@dataclass(frozen=True)
class _Replaced:
    """What takes the place of what is below it; None takes it away."""

    value: Any


class _Loader(yaml.SafeLoader):
    """Knows the tags of compose files."""


def _override(loader: _Loader, node: yaml.Node) -> _Replaced:
    kind: Any = loader.construct_mapping if isinstance(node, yaml.MappingNode) else loader.construct_sequence
    return _Replaced(kind(node, deep=True))


_Loader.add_constructor("!override", _override)
_Loader.add_constructor("!reset", lambda _loader, _node: _Replaced(None))


def load(path: Path) -> dict[str, Any]:
    """A file by itself."""
    return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))


def services(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Service]:
    """All services of both files; those that extend another one extend it as the first file has it."""
    found: dict[str, Service] = {name: _normal(service) for name, service in base["services"].items()}
    for name, service in overlay["services"].items():
        below = base["services"][service["extends"]["service"]] if "extends" in service else base["services"][name]
        own = {key: value for key, value in service.items() if key != "extends"}
        found[name] = _merged(_normal(below), _normal(own))
    return found


def _normal(service: Service) -> Service:
    """A service with its lists as maps: networks by name, volumes by the path that they are mounted at."""
    found = dict(service)
    if isinstance(networks := found.get("networks"), list):
        found["networks"] = {name: {} for name in networks}
    if "volumes" in found:
        found["volumes"] = {_target(volume): volume for volume in found["volumes"]}
    return found


def _target(volume: Any) -> str:
    return str(volume["target"] if isinstance(volume, dict) else volume.split(":")[1])


def _merged(below: Any, above: Any) -> Any:
    if isinstance(above, _Replaced):
        return above.value
    if isinstance(below, dict) and isinstance(above, dict):
        both = below | {key: _merged(below.get(key), value) for key, value in above.items()}
        return {key: value for key, value in both.items() if not isinstance(above.get(key), _Replaced) or value}
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *(one for one in above if one not in below)]
    return above

"""Sources of settings: ``SKYTIER_...`` variables and the file of the local stack.

An environment variable takes precedence over the file ``stack.env`` in ``SKYTIER_HOME``, which the local stack writes
at its first start (passwords and changed ports). The file takes precedence over the defaults in this package.
``SKYTIER_ENV_FILE`` names another file, for example one with secrets that a cluster mounts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PRIVATE = 0o077
"""umask of commands, servers and jobs: other users of the machine cannot read the files that they write"""


def home() -> Path:
    """The folder of all state of the local stack: ``SKYTIER_HOME``, by default ``var`` in the project."""
    return (PROJECT_ROOT / os.environ.get("SKYTIER_HOME", "var")).resolve()


def scratch_folder() -> Path:
    """The folder of temporary files of servers and jobs; a start while no server runs empties it."""
    folder = home() / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stack_env_file() -> Path:
    """The file of passwords and changed ports of the local stack, or the one that ``SKYTIER_ENV_FILE`` names."""
    named = os.environ.get("SKYTIER_ENV_FILE")
    return PROJECT_ROOT / named if named else home() / "stack.env"


class StackEnvSource(DotEnvSettingsSource):
    """Values of the file of the local stack, which is parsed once and again when it changes.

    A process makes tens of settings objects, and parsing the file takes longer than all the rest of each.
    """

    def _read_env_file(self, file_path: Path) -> Mapping[str, str | None]:
        state = file_path.stat()
        return _parsed(file_path, state.st_ino, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _parsed(path: Path, *_state: int) -> Mapping[str, str | None]:
    return DotEnvSettingsSource._static_read_env_file(path)


class Settings(BaseSettings):
    """Base of all settings classes: defines the sources of values."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, StackEnvSource(settings_cls, env_file=stack_env_file())

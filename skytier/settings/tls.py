"""Settings of TLS of the local stack's servers and of their clients."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.errors import TerminalError
from skytier.settings.base import PROJECT_ROOT, Settings, home


class TlsSettings(Settings):
    """TLS of the local stack's MongoDB, PostgreSQL, Redis, Kafka and SQL endpoint, and of their clients."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_TLS_")

    enabled: bool = Field(
        False,
        description="whether these servers require TLS; `skytier stack up` stores the value in `stack.env`",
    )
    ca_file: str = Field(
        "",
        description="PEM file of the certificate authorities that clients trust; empty: the authority that "
        "`skytier stack certificates` creates",
    )
    folder: Path = Field(
        Path(), description="folder of the local stack's certificates and keys; empty: `tls` in SKYTIER_HOME"
    )

    @model_validator(mode="after")
    def _local(self) -> TlsSettings:
        default = type(self).model_fields["folder"].default
        object.__setattr__(self, "folder", home() / "tls" if self.folder == default else PROJECT_ROOT / self.folder)
        return self

    def authority(self) -> Path:
        """The file of the authorities that clients trust. Raises TerminalError if it does not exist."""
        file = PROJECT_ROOT / Path(self.ca_file).expanduser() if self.ca_file else self.folder / "ca.pem"
        if not file.is_file():
            what = "SKYTIER_TLS_CA_FILE names" if self.ca_file else "SKYTIER_TLS_ENABLED is set, which wants"
            raise TerminalError(
                f"{what} the file {file}, which does not exist: 'skytier stack certificates' makes an authority and "
                "certificates; where you have an authority of your own, set SKYTIER_TLS_CA_FILE to its certificate."
            )
        return file

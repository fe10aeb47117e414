"""How to reach Airflow."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import HOST, Settings
from skytier.settings.ports import PortSettings


class AirflowSettings(Settings):
    """Airflow's pages and API."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_AIRFLOW_")

    url: str = Field("", description="pages and API as http://host:port; empty: the local stack's")
    user: str = Field("admin", description="user of Airflow's pages")
    password: SecretStr = Field(SecretStr(""), description="password of that user; made at first start")
    users: str = Field(
        "", description="further users of Airflow's pages, as `name:role` with commas; roles: viewer, user, op, admin"
    )
    fernet_key: SecretStr = Field(SecretStr(""), description="key of what Airflow keeps encrypted; made at first start")
    jwt_secret: SecretStr = Field(SecretStr(""), description="key that Airflow signs logins with; made at first start")
    command: str = Field(
        "", description="the command `skytier` as Airflow's tasks find it; empty: on their PATH, or the local stack's"
    )
    project: str = Field(
        "", description="folder of the project whose Spark jobs tasks submit; empty: the one that the DAG files are in"
    )
    parallelism: int = Field(4, ge=1, description="tasks that run at once")

    @model_validator(mode="after")
    def _local(self) -> AirflowSettings:
        if not self.url:
            object.__setattr__(self, "url", f"http://{HOST}:{PortSettings().airflow}")
        return self

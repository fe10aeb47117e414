"""Settings of Airflow."""

from __future__ import annotations

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from skytier.settings.base import Settings
from skytier.settings.hosts import HostSettings
from skytier.settings.ports import PortSettings


class AirflowSettings(Settings):
    """Airflow: web UI, API and tasks."""

    model_config = SettingsConfigDict(env_prefix="SKYTIER_AIRFLOW_")

    url: str = Field("", description="URL of web UI and API, as http://host:port; empty: the local stack's")
    user: str = Field("admin", description="user that signs in to Airflow")
    password: SecretStr = Field(SecretStr(""), description="password of that user; generated at first start")
    users: str = Field(
        "", description="additional users of Airflow, as comma-separated `name:role`; roles: viewer, user, op, admin"
    )
    fernet_key: SecretStr = Field(
        SecretStr(""), description="key by which Airflow encrypts secrets; generated at first start"
    )
    jwt_secret: SecretStr = Field(
        SecretStr(""), description="key by which Airflow signs its tokens; generated at first start"
    )
    command: str = Field(
        "", description="command that tasks run as `skytier`; empty: the one on their PATH, or the local stack's"
    )
    project: str = Field(
        "", description="project folder from which tasks submit Spark jobs; empty: the one that contains the DAG files"
    )
    base_url: str = Field("", description="URL by which browsers reach Airflow; empty: SKYTIER_AIRFLOW_URL")
    executor: str = Field("LocalExecutor", description="executor of Airflow's tasks, by its name or class")
    spark_application: str = Field(
        "",
        description="manifest of which tasks make the SparkApplication of each Spark job, on Kubernetes; empty: tasks "
        "run `spark-submit`",
    )
    spark_namespace: str = Field("default", description="namespace of Kubernetes in which they make it")
    spark_image: str = Field("", description="image of its driver and executors; empty: the one of the manifest")
    parallelism: int = Field(4, ge=1, description="maximum number of concurrent tasks")

    @model_validator(mode="after")
    def _local(self) -> AirflowSettings:
        if not self.url:
            object.__setattr__(self, "url", f"http://{HostSettings().airflow}:{PortSettings().airflow}")
        if not self.base_url:
            object.__setattr__(self, "base_url", self.url)
        return self

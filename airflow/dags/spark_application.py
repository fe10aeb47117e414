"""A Spark job as a SparkApplication of the Spark operator: how a task starts it, follows it and ends it.

Read only where ``SKYTIER_AIRFLOW_SPARK_APPLICATION`` names the manifest. Nothing here asks Kubernetes before the task
runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator
from kubernetes.client import V1Pod

NAMESPACE = os.environ.get("SKYTIER_AIRFLOW_SPARK_NAMESPACE") or "default"
IMAGE = os.environ.get("SKYTIER_AIRFLOW_SPARK_IMAGE") or None


class SparkApplicationOperator(SparkKubernetesOperator):
    """Runs a job as a SparkApplication made of one manifest for all jobs, and waits for the end of its driver.

    A task whose worker was lost goes on with the driver that it has started. A task that is ended, by its timeout or
    by a user, deletes its SparkApplication, and with it the driver.
    """

    template_fields: Sequence[str] = ("arguments",)

    def __init__(self, *, task_id: str, manifest: str, application: str, arguments: list[str], **others: Any) -> None:
        super().__init__(
            task_id=task_id,
            name=task_id,  # of the SparkApplication, with what makes it unique behind it
            application_file=manifest,
            code_path=f"local://{application}",
            image=IMAGE,
            namespace=NAMESPACE,
            in_cluster=True,
            reattach_on_restart=True,
            delete_on_termination=True,
            startup_timeout_seconds=300,
            log_events_on_failure=True,
            **others,
        )
        self.arguments = arguments

    def manage_template_specs(self) -> dict[str, Any]:
        """The manifest with the arguments of this task."""
        body: dict[str, Any] = super().manage_template_specs()
        body["spark"]["spec"]["arguments"] = self.arguments
        return body

    def patch_already_checked(self, pod: V1Pod, *, reraise: bool = True) -> None:
        """Change no pod: a driver that has failed is not gone on with anyway, and its SparkApplication is deleted."""

"""What one run of a pipeline's job works with."""

from __future__ import annotations

from dataclasses import dataclass

from skytier.files import Files
from skytier.kafka_log import KafkaLog
from skytier.pipeline.batch_ids import Marks
from skytier.pipeline.checkpoints import Checkpoints
from skytier.pipeline.spec import Pipeline, Transforms
from skytier.settings.kafka import KafkaSettings
from skytier.settings.processing import ProcessingSettings


@dataclass(frozen=True)
class Run:
    """A run. Settings are read once, when it begins."""

    pipeline: Pipeline
    transforms: Transforms
    files: Files
    kafka_log: KafkaLog
    kafka: KafkaSettings
    processing: ProcessingSettings
    model_version: str | None = None
    """the version of the model that scores its events; None where there is none"""

    @property
    def marks(self) -> Marks:
        """The marks of the pipeline's complete batches."""
        return Marks(self.files, self.pipeline)

    @property
    def checkpoints(self) -> Checkpoints:
        """The pipeline's checkpoints."""
        return Checkpoints(self.files, self.pipeline)

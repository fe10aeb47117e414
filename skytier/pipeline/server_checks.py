"""Whether the servers that a batch needs answer: where one is down, no record is to blame."""

from __future__ import annotations

from collections.abc import Callable

from skytier import hot_tier, metastore, topics
from skytier.errors import TransientError
from skytier.files import Files
from skytier.pipeline.spec import Pipeline
from skytier.settings.kafka import KafkaSettings
from skytier.settings.metastore import MetastoreSettings

_METASTORE_SECONDS = 5


def require_answers(files: Files, pipeline: Pipeline) -> None:
    """Ask each server a question. Raises TransientError, which names the first that does not answer."""
    questions: tuple[Callable[[], object], ...] = (
        lambda: topics.require(KafkaSettings(), pipeline.topic),
        lambda: _write(files, pipeline),
        _ask_mongodb,
        _ask_metastore,
    )
    for question in questions:
        question()


def _write(files: Files, pipeline: Pipeline) -> None:
    path = f"{pipeline.metadata_folder}/_writable"
    files.write_atomically(path, b"\n")
    files.delete(path)


@hot_tier.answering()
def _ask_mongodb() -> None:
    with hot_tier.client() as connection:
        connection.admin.command("ping")


def _ask_metastore() -> None:
    try:
        is_alive = metastore.is_alive(_METASTORE_SECONDS)
    except Exception as error:  # Thrift raises many kinds, all of which mean that it does not answer
        raise TransientError(
            f"The Hive metastore at {MetastoreSettings().uri} does not answer ({error}): see 'skytier stack status'."
        ) from error
    if not is_alive:
        raise TransientError(
            f"The Hive metastore at {MetastoreSettings().uri} is not ready: see 'skytier stack status'."
        )

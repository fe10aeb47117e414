"""Why a Spark job failed, in one sentence: what Spark and its workers say is hundreds of lines."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from skytier import logs, spark
from skytier.errors import SkytierError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LONGEST = 600
_REPEATING = (
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.sql.execution.streaming",
    "org.apache.spark.sql.execution.datasources.v2",
    "org.apache.spark.util.Utils",
)
_OURS = re.compile(r"^skytier\.errors\.\w+Error: (.+)$", re.MULTILINE)
_CAUSE = re.compile(r"^Caused by: (.+)$", re.MULTILINE)
# The last line of a Python traceback: the exception's full name and what it says.
_PYTHON = re.compile(r"^((?:\w+\.)*\w*(?:Error|Exception|Failure|Reconnect)): (.+)$", re.MULTILINE)
_JAVA_CLASS = re.compile(r"^(?:[\w$]+\.)+([\w$]+)(?:: |$)")


class StepError(SkytierError):
    """A step of a batch failed; the cause is the error that it raised."""

    def __init__(self, batch_id: int, step: str, cause: Exception) -> None:
        said = reason(cause).rstrip(".")
        super().__init__(f"Batch {batch_id} failed at the step {step}: {said}. The next run repeats the batch.")
        self.batch_id, self.step = batch_id, step
        self.signature = (step, kind(cause))


def reason(error: BaseException) -> str:
    """One line: what our own code said in a worker, else the innermost cause that Python or Java names."""
    text = str(error)
    if isinstance(error, SkytierError):
        return _one_line(text)
    for pattern in (_OURS, _CAUSE, _PYTHON):
        if found := pattern.findall(text):
            last = found[-1]
            return _one_line(last if isinstance(last, str) else ": ".join(last))
    return _one_line(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def kind(error: BaseException) -> str:
    """What kind of failure it is, without what the data put into it: the name of the innermost exception."""
    named = _PYTHON.findall(str(error))
    if named and not _CAUSE.search(str(error)):
        return str(named[-1][0])
    match = _JAVA_CLASS.match(reason(error))
    return match[1] if match else type(error).__name__


def run(name: str, main: Callable[[], None]) -> None:
    """Run a job to its end. Where it fails its last line says why, and the exit status is 1."""
    logs.configure()
    try:
        main()
    except Exception as error:
        said = reason(error)
        if not isinstance(error, SkytierError):
            print("".join(traceback.format_tb(error.__traceback__)), file=sys.stderr)
        spark.tell_failure(said)
        logs.logger(name).error("run failed", reason=said)
        sys.exit(1)


def quieten(session: SparkSession) -> None:
    """Turn off the loggers that repeat an error with its plan and both stacks, for each task that had it."""
    jvm = session.sparkContext._jvm
    assert jvm is not None
    log4j = jvm.org.apache.logging.log4j
    for logger in _REPEATING:
        log4j.core.config.Configurator.setLevel(logger, log4j.Level.OFF)


def _one_line(text: str) -> str:
    line = " ".join(text.split("\n", 1)[0].split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."

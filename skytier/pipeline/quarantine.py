"""The records that a batch fails at, found by halving it: pure search, and the file that remembers what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from pydantic import BaseModel, ConfigDict, TypeAdapter

from skytier import stored_document
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.pipeline.records import Span
from skytier.pipeline.spec import Pipeline

UNPROCESSABLE = "unprocessable"
"""the reason of a record that is set aside"""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetAside(_Document):
    """A record that no step may see: where it is, the step that fails at it, and what that said."""

    partition: int
    offset: int
    step: str
    error: str


class Quarantine(_Document):
    """What of a batch is set aside. ``unscored`` says why its events go without predictions, where they do."""

    records: tuple[SetAside, ...] = ()
    unscored: str | None = None

    @property
    def spans(self) -> list[Span]:
        """The records' places."""
        return [(record.partition, record.offset, record.offset + 1) for record in self.records]


_QUARANTINE = TypeAdapter(Quarantine)


class NotSeparableError(TerminalError):
    """The batch fails as a whole, or at more records than may be set aside."""


def load(files: Files, pipeline: Pipeline, batch_id: int) -> Quarantine:
    """What an earlier try of the batch found; nothing where there was none."""
    path, repair = (
        _path(pipeline, batch_id),
        "It is what a try of the batch set aside: delete it, and the next try searches again.",
    )
    if not files.exists(path):
        return Quarantine()
    return stored_document.read(files, path, _QUARANTINE, "the minute job", repair)


def save(files: Files, pipeline: Pipeline, batch_id: int, quarantine: Quarantine) -> None:
    """Remember what is set aside, so that a try that is killed need not search again."""
    files.write_json_atomically(_path(pipeline, batch_id), quarantine.model_dump(mode="json"))


def offending(whole: Sequence[Span], fails: Callable[[Sequence[Span]], bool], most: int) -> list[Span]:
    """The single records at which ``fails``, each a span of one offset.

    Halves what fails, level by level, so that it costs about two questions a record and level. Raises NotSeparableError
    where something fails and neither of its halves does, and where more than ``most`` parts fail side by side.
    """
    found: list[Span] = []
    suspects = [list(whole)]
    while suspects:
        parts: list[list[Span]] = []
        for suspect in suspects:
            if size(suspect) == 1:
                found.extend(suspect)
                continue
            failing = [half for half in halves(suspect) if fails(half)]
            if not failing:
                raise NotSeparableError(
                    f"{size(suspect)} records fail together, and neither half of them does by itself."
                )
            parts.extend(failing)
        if len(parts) + len(found) > most:
            raise NotSeparableError(
                f"More than {most} of the records fail, each by itself (SKYTIER_PROCESS_QUARANTINE_RECORDS): that "
                "looks like a fault of code or configuration, not of the records."
            )
        suspects = parts
    return found


def size(spans: Sequence[Span]) -> int:
    """How many offsets lie in some spans."""
    return sum(end - first for _, first, end in spans)


def halves(spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """The spans cut in two of like size."""
    left: list[Span] = []
    room = size(spans) // 2
    rest: list[Span] = []
    for partition, first, end in spans:
        cut = min(end, first + room)
        room -= cut - first
        left += [(partition, first, cut)] if cut > first else []
        rest += [(partition, cut, end)] if end > cut else []
    return left, rest


def merged(known: Quarantine, spans: Sequence[Span], step: str, error: str) -> Quarantine:
    """With more records set aside."""
    new = [SetAside(partition=p, offset=first, step=step, error=error) for p, first, _ in spans]
    return known.model_copy(update={"records": tuple(chain(known.records, new))})


def _path(pipeline: Pipeline, batch_id: int) -> str:
    return f"{pipeline.metadata_folder}/quarantine/batch_{batch_id}.json"

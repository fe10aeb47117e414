"""What Redis keeps of an answer: a line of JSON about it, then its table.

Others can write to that server, or cut what it holds short: whatever is no whole answer to the question is a miss.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from skytier import logs

Epochs = dict[str, str]
"""How often that which an answer rests on has changed, as Redis holds it: only whether it is the same counts"""

_UNPACKED = 64  # answers: the panels of a page share some, and its viewers all
_CLOCKS_APART_SECONDS = 60.0  # of the machines that share a cache

log = logs.logger("cache")


class Origin(StrEnum):
    """Where an answer comes from."""

    COMPUTED = "computed"
    """asked just now"""
    CACHED = "cached"
    STALE = "stale"
    """from the cache, while it is asked anew, or because that failed"""
    UNCACHED = "uncached"
    """asked just now, for Redis does not answer"""


@dataclass(frozen=True)
class Answer:
    """What a question gave, and when."""

    table: pa.Table
    as_of: datetime
    seconds: float
    """how long it took to ask"""
    origin: Origin
    problem: str | None = None
    """why it could not be asked anew, where it is stale for that"""


@dataclass(frozen=True)
class Entry:
    """An answer that was kept, and the state of what it rests on when it was asked."""

    answer: Answer
    epochs: Epochs

    def is_fresh(self, seconds: float, epochs: Epochs) -> bool:
        """Whether it is at most so old, and nothing that it rests on has changed."""
        age = (datetime.now(UTC) - self.answer.as_of).total_seconds()
        # One of the future was kept while a clock was wrong: its age is not known.
        return -_CLOCKS_APART_SECONDS < age < seconds and self.epochs == epochs


class _About(BaseModel):
    """The line before the table. It says whose answer it is, also to people who look into Redis."""

    model_config = ConfigDict(strict=True)

    question: str
    as_of: AwareDatetime
    seconds: float
    epochs: Epochs
    rows: int
    """of the table: a stream that is cut after its schema, or between batches, is whole to who reads it"""


def packed(question: str, answer: Answer, epochs: Epochs) -> bytes:
    """An answer as it is kept: its table is an Arrow stream, a format that cannot run code when it is read."""
    about = _About(question=question, as_of=answer.as_of, seconds=answer.seconds, epochs=epochs, rows=len(answer.table))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, answer.table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(answer.table)
    return b"\n".join([about.model_dump_json().encode(), sink.getvalue().to_pybytes()])


@functools.lru_cache(maxsize=_UNPACKED)
def unpacked(question: str, content: bytes) -> Entry | None:
    """The answer to a question as it was kept; None, which is logged once, where the content is none."""
    line, _, stream = content.partition(b"\n")
    try:
        about = _About.model_validate_json(line)
        if about.question != question:
            raise ValueError(f"it answers {about.question[:80]!r}")
        table = pa.ipc.open_stream(stream).read_all()
        table.validate(full=True)
        if len(table) != about.rows:
            raise ValueError(f"it has {len(table)} of {about.rows} rows")
    except (ValidationError, ValueError, OSError, pa.ArrowException) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        log.warning("what Redis holds is no answer: asked anew", question=question[:80], reason=reason)
        return None
    answer = Answer(table=table, as_of=about.as_of, seconds=about.seconds, origin=Origin.CACHED)
    return Entry(answer, about.epochs)

"""JSON documents on HDFS that must be what was written: one that is cut short, empty or another is named."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from skytier.errors import DamagedFileError, TerminalError
from skytier.files import Files

REPAIRS = "docs/repairs.md"
_Kind = TypeVar("_Kind")


def read(files: Files, path: str, kind: TypeAdapter[_Kind], writer: str, repair: str) -> _Kind:
    """The document in a file as its kind.

    Raises TerminalError when it is none: it names the file, says what was found, and ``repair``, what to do.
    """
    try:
        text = files.read_text(path)
    except DamagedFileError as error:
        raise DamagedFileError(f"{error} {repair}") from error
    except UnicodeDecodeError as error:
        raise _not_written(path, writer, f"it is not UTF-8 ({error.reason})", repair) from error
    if not text.strip():
        raise _not_written(path, writer, "it is empty", repair)
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        raise _not_written(path, writer, f"{_found(error)}, in {len(text)} characters", repair) from error


def _not_written(path: str, writer: str, found: str, repair: str) -> TerminalError:
    return TerminalError(f"{path} on HDFS is not what {writer} writes: {found}. {repair}")


def _found(error: ValidationError) -> str:
    """What is wrong, in words; the first of several."""
    first, more = error.errors(include_url=False)[0], error.error_count() - 1
    place = ".".join(map(str, first["loc"]))
    said = f"{place}: {first['msg']}" if place else str(first["msg"])
    return f"{said}, and {more} more" if more else said

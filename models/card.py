"""The card of a model's version, and the folder that it describes.

The card says what the model is and lists the other files of its folder with their SHA-256. Nothing of it is ever
unpickled: models are XGBoost's ``.ubj``, all else is JSON.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from skytier.errors import TerminalError

CARD = "card.json"
# Both become names of files here and on HDFS, so neither may lead out of its folder.
VERSION = r"^[0-9A-Za-z][0-9A-Za-z_-]*$"
_FILE = r"^[0-9A-Za-z][0-9A-Za-z._-]*\.(ubj|json)$"

Card = dict[str, Any]


class _Data(BaseModel):
    first: str = Field(alias="from")
    last: str = Field(alias="to")
    rows: int
    source: str


class _Split(BaseModel):
    """First and last local day of departure of the flights to train, to tune and to test on."""

    train: tuple[date, date]
    tune: tuple[date, date]
    test: tuple[date, date]


class _Contract(BaseModel):
    """What every card holds at least."""

    version: Annotated[str, StringConstraints(pattern=VERSION)]
    trained_at: AwareDatetime
    files: dict[Annotated[str, StringConstraints(pattern=_FILE)], str] = Field(min_length=1)
    metrics: dict[str, dict[str, Any]]
    data: _Data
    split: _Split


_CONTRACT = TypeAdapter(_Contract)
_Kind = TypeVar("_Kind")


def trained_at(card: Card) -> datetime:
    """When the version was trained, aware."""
    return _CONTRACT.validate_python(card).trained_at


def read_version(folder: Path) -> tuple[Card, dict[str, bytes]]:
    """The card in a local folder, and its files and the card itself as bytes; TerminalError where they disagree."""
    try:
        text = (folder / CARD).read_bytes()
        card = checked_card(json.loads(text), str(folder / CARD))
        contents = {name: (folder / name).read_bytes() for name in card["files"]}
    except OSError as error:
        raise TerminalError(f"{error.filename}, a part of the model, cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise TerminalError(f"{folder / CARD} is not JSON ({error}).") from error
    if others := {path.name for path in folder.iterdir()} - {CARD, *contents}:
        raise TerminalError(f"{folder / CARD} does not list {', '.join(sorted(others))}: list or remove it.")
    for name, content in contents.items():
        compare(content, card["files"][name], str(folder / name))
    return card, contents | {CARD: text}


def is_whole(folder: Path) -> bool:
    """Whether the folder holds the version it is named after, each file as its card says."""
    try:
        return bool(read_version(folder)[0]["version"] == folder.name)
    except TerminalError:
        return False


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file beside the card, by name, as the card lists them."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.name != CARD}


def compare(content: bytes, expected: str, where: str) -> None:
    """Raise TerminalError unless the content has the SHA-256 that the card says; ``where`` it was found."""
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise TerminalError(
            f"{where} is not the file of the model's card: its SHA-256 is {found}, {CARD} says {expected}. "
            "Use another version, or train one with 'skytier train'."
        )


def checked_card(card: Any, where: str) -> Card:
    """The card, once it is known to hold what every card must. Raises TerminalError, naming the field."""
    checked(_CONTRACT, card, where)
    return dict(card)


def checked(kind: TypeAdapter[_Kind], document: Any, where: str) -> _Kind:
    """The document as its kind. Raises TerminalError, naming the field that is not what the registry writes."""
    try:
        return kind.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise TerminalError(f"{where} is not what the registry writes: {place}: {first['msg']}.") from error

"""The card of a version of a model: its data, its metrics, and the SHA-256 of each file of its folder.

Models are stored in XGBoost's ``.ubj`` format, all else in JSON. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from skytier.errors import TerminalError

CARD = "card.json"
# Both become file names here and on HDFS: neither may lead out of its folder.
VERSION = r"^[0-9A-Za-z][0-9A-Za-z_-]*$"
_FILE = r"^[0-9A-Za-z][0-9A-Za-z._-]*\.(ubj|json)$"

Card = dict[str, Any]


class _Data(BaseModel):
    """What a version was trained on: first and last date, rows, and the source."""

    first: str = Field(alias="from")
    last: str = Field(alias="to")
    rows: int
    source: str


class _Split(BaseModel):
    """First and last local day of the rows to train, to tune and to test on."""

    train: tuple[date, date]
    tune: tuple[date, date]
    test: tuple[date, date]


class _Contract(BaseModel):
    """The required fields of every card."""

    version: Annotated[str, StringConstraints(pattern=VERSION)]
    trained_at: AwareDatetime
    files: dict[Annotated[str, StringConstraints(pattern=_FILE)], str] = Field(min_length=1)
    metrics: dict[str, dict[str, Any]]
    data: _Data
    split: _Split


_CONTRACT = TypeAdapter(_Contract)


def trained_at(card: Card) -> datetime:
    """When the version was trained (aware)."""
    return _CONTRACT.validate_python(card).trained_at


def read_version(folder: Path) -> tuple[Card, dict[str, bytes]]:
    """The card in a local folder, and the content of its files and of the card.

    Raises TerminalError if a file is missing, not listed or not the one that the card lists.
    """
    try:
        text = (folder / CARD).read_bytes()
        card = checked_card(json.loads(text), str(folder / CARD))
        contents = {name: (folder / name).read_bytes() for name in card["files"]}
    except OSError as error:
        raise TerminalError(f"{error.filename}, a file of the model, cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise TerminalError(f"{folder / CARD} is not JSON ({error}).") from error
    if others := {path.name for path in folder.iterdir()} - {CARD, *contents}:
        raise TerminalError(f"{folder / CARD} does not list {', '.join(sorted(others))}: list or remove it.")
    for name, content in contents.items():
        compare(content, card["files"][name], str(folder / name))
    return card, contents | {CARD: text}


def is_complete(folder: Path) -> bool:
    """Whether the folder holds the version that it is named after, each file with the checksum of its card."""
    try:
        return bool(read_version(folder)[0]["version"] == folder.name)
    except TerminalError:
        return False


def checksums(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file beside the card, by name, as the card lists it."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.name != CARD}


def compare(content: bytes, expected: str, where: str) -> None:
    """Raise TerminalError unless the content has the expected SHA-256. ``where`` names the file in the error."""
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise TerminalError(
            f"{where} does not match the model's card: its SHA-256 is {found}, {CARD} lists {expected}. "
            "Use another version, or train one with 'skytier train'."
        )


def checked_card(card: Any, where: str) -> Card:
    """The card, after validation. Raises TerminalError, which names the invalid field."""
    try:
        _CONTRACT.validate_python(card)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise TerminalError(f"{where} is not a valid card: {place}: {first['msg']}.") from error
    return dict(card)

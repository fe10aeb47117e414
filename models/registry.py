"""The registry of the delay models: published versions on HDFS, and which of them is the champion.

A version is a folder that never changes: ``card.json``, which says what the model is, and the files that the card lists
with their SHA-256. Nothing of it is ever unpickled: models are XGBoost's ``.ubj``, all else is JSON.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import shutil
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from skytier import logs
from skytier.errors import TerminalError
from skytier.exclusive import exclusively
from skytier.files import Files

ROOT = "/models/delay"
CARD = "card.json"
CHAMPION = "champion.json"
# Both become names of files here and on HDFS, so neither may lead out of its folder.
_VERSION = r"^[0-9A-Za-z][0-9A-Za-z_-]*$"
_FILE = r"^[0-9A-Za-z][0-9A-Za-z._-]*\.(ubj|json)$"

Card = dict[str, Any]
log = logs.logger("models")


@dataclass(frozen=True)
class Reign:
    """A version as champion: since when, why, and by which user."""

    version: str
    since: AwareDatetime
    reason: str
    by: str


@dataclass(frozen=True)
class RolledBack(Reign):
    """A reign that a rollback ended: when, why, and by which user."""

    until: AwareDatetime
    until_reason: str
    until_by: str


@dataclass(frozen=True)
class Champion(Reign):
    """The version that predicts now; those to go back to and those that were rolled back, newest first."""

    earlier: tuple[Reign, ...] = ()
    rolled_back: tuple[RolledBack, ...] = ()

    def document(self) -> dict[str, Any]:
        """The champion in JSON's types."""
        document: dict[str, Any] = _CHAMPION.dump_python(self, mode="json")
        return document


class _Data(BaseModel):
    first: str = Field(alias="from")
    last: str = Field(alias="to")
    rows: int
    source: str


class _Contract(BaseModel):
    """What every card holds at least."""

    version: Annotated[str, StringConstraints(pattern=_VERSION)]
    trained_at: AwareDatetime
    files: dict[Annotated[str, StringConstraints(pattern=_FILE)], str] = Field(min_length=1)
    metrics: dict[str, dict[str, Any]]
    data: _Data


_CHAMPION, _CONTRACT = TypeAdapter(Champion), TypeAdapter(_Contract)
_Kind = TypeVar("_Kind")


class Registry:
    """The versions below one folder of HDFS.

    Every method raises TransientError while HDFS does not answer, TerminalError when a card or the champion's document
    is not what it has to be.
    """

    def __init__(self, files: Files, root: str = ROOT) -> None:
        self._files = files
        self._root = root

    def publish(self, folder: Path) -> str:
        """Make the version in a local folder known; the same one again changes nothing. Returns its name.

        Raises TerminalError when the folder and its card disagree, or when another model has this version.
        """
        card, contents = _read_version(folder)
        version: str = card["version"]
        if self._is_published(card):
            return version
        aside = self._path("_inprogress", f"{version}.{uuid.uuid4().hex}")
        try:
            for name, content in contents.items():
                self._files.write_atomically(f"{aside}/{name}", content)
            self._files.rename(aside, self._path(version))
        except TerminalError:
            if not self._is_published(card):  # by another process, meanwhile
                raise
        finally:
            self._files.delete(aside)
        log.info("version published", version=version, files=sorted(card["files"]))
        return version

    def versions(self) -> list[Card]:
        """The cards of all versions, oldest first."""
        cards = [self.card(version) for version in self._names()]
        return sorted(cards, key=lambda card: (_CONTRACT.validate_python(card).trained_at, card["version"]))

    def card(self, version: str) -> Card:
        """The card of a version. Raises TerminalError, with the versions that are known, when there is none."""
        path = self._path(version, CARD)
        if not re.fullmatch(_VERSION, version) or not self._files.exists(path):
            known = f"known: {', '.join(names)}" if (names := self._names()) else "none is known: run 'skytier train'"
            raise TerminalError(f"There is no version {version!r} of the model in {self._root} on HDFS; {known}.")
        return _checked_card(self._files.read_json(path), f"{path} on HDFS")

    def champion(self) -> Champion | None:
        """The version that predicts; None before the first promotion."""
        path = self._path(CHAMPION)
        if not self._files.exists(path):
            return None
        return _checked(_CHAMPION, self._files.read_json(path), f"{path} on HDFS")

    def promote(self, version: str, reason: str) -> Champion:
        """Make a version the champion; the one that is it already stays as it is.

        Raises TerminalError, with the versions that are known, when there is no such version.
        """
        self.card(version)
        last = self.champion()
        if last and last.version == version:
            return last
        champion = Champion(version, _now(), reason, _user())
        if last:
            reign = Reign(last.version, last.since, last.reason, last.by)
            champion = replace(champion, earlier=(reign, *last.earlier), rolled_back=last.rolled_back)
        self._files.write_json_atomically(self._path(CHAMPION), champion.document())
        log.info("version promoted", version=version, reason=reason, earlier=last.version if last else None)
        return champion

    def rollback(self, reason: str) -> Champion:
        """Go back to the champion before this one, which is noted as rolled back and not gone back to again.

        Raises TerminalError when there is none to go back to.
        """
        last = self.champion()
        if last is None or not last.earlier:
            found = f"{last.version} is the only champion left" if last else "there is no champion"
            raise TerminalError(f"There is nothing to go back to: {found}. See 'skytier models list'.")
        version, at, by = last.earlier[0].version, _now(), _user()
        self.card(version)
        ended = RolledBack(last.version, last.since, last.reason, last.by, at, reason, by)
        champion = Champion(version, at, reason, by, last.earlier[1:], (ended, *last.rolled_back))
        self._files.write_json_atomically(self._path(CHAMPION), champion.document())
        log.warning("version rolled back", version=last.version, reason=reason, champion=version)
        return champion

    def fetch(self, version: str, cache: Path) -> Path:
        """The local folder of a version, ``<cache>/<version>``: what is there and whole is used, else downloaded.

        Any number of processes may fetch at once. Raises TerminalError when a file is not what was published.
        """
        if not re.fullmatch(_VERSION, version):
            self.card(version)  # says what is known
        folder, aside = cache / version, cache / f"_{version}"
        with exclusively(cache / f".{version}.lock", lambda: log.info("another process fetches", version=version)):
            if _is_whole(folder):
                return folder
            shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
            aside.mkdir()
            try:
                self._download(version, aside)
                shutil.rmtree(folder, ignore_errors=True)
                aside.rename(folder)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        log.info("version fetched", version=version, folder=str(folder))
        return folder

    def _download(self, version: str, folder: Path) -> None:
        card = self.card(version)
        for name, expected in card["files"].items():
            content = self._files.read_bytes(self._path(version, name))
            _compare(content, expected, f"{self._path(version, name)} on HDFS")
            (folder / name).write_bytes(content)
        (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")

    def _is_published(self, card: Card) -> bool:
        path = self._path(card["version"], CARD)
        if not self._files.exists(path):
            return False
        if self._files.read_json(path) != card:
            raise TerminalError(f"{path} on HDFS is the card of another model: publish this one as a new version.")
        return True

    def _names(self) -> list[str]:
        return [name for name in self._files.list(self._root) if not name.startswith("_") and name != CHAMPION]

    def _path(self, *names: str) -> str:
        return "/".join((self._root, *names))


def _read_version(folder: Path) -> tuple[Card, dict[str, bytes]]:
    """The card in a local folder, and its files and the card itself as bytes; TerminalError where they disagree."""
    try:
        text = (folder / CARD).read_bytes()
        card = _checked_card(json.loads(text), str(folder / CARD))
        contents = {name: (folder / name).read_bytes() for name in card["files"]}
    except OSError as error:
        raise TerminalError(f"{error.filename}, a part of the model, cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise TerminalError(f"{folder / CARD} is not JSON ({error}).") from error
    if others := {path.name for path in folder.iterdir()} - {CARD, *contents}:
        raise TerminalError(f"{folder / CARD} does not list {', '.join(sorted(others))}: list or remove it.")
    for name, content in contents.items():
        _compare(content, card["files"][name], str(folder / name))
    return card, contents | {CARD: text}


def _is_whole(folder: Path) -> bool:
    try:
        return bool(_read_version(folder)[0]["version"] == folder.name)
    except TerminalError:
        return False


def _compare(content: bytes, expected: str, where: str) -> None:
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise TerminalError(
            f"{where} is not the file of the model's card: its SHA-256 is {found}, {CARD} says {expected}. "
            "Use another version, or train one with 'skytier train'."
        )


def _checked_card(card: Any, where: str) -> Card:
    _checked(_CONTRACT, card, where)
    return dict(card)


def _checked(kind: TypeAdapter[_Kind], document: Any, where: str) -> _Kind:
    try:
        return kind.validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise TerminalError(f"{where} is not what the registry writes: {place}: {first['msg']}.") from error


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"

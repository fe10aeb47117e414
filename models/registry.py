"""The registry of the delay models: published versions on HDFS, and which of them is the champion.

A version is a folder that never changes: ``card.json`` (``models.card``) and the files that it lists.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, TypeAdapter

from models.card import CARD, VERSION, Card, checked_card, compare, is_whole, read_version, trained_at
from skytier import logs, stored_document
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.kept_folder import kept_folder

ROOT = "/models/delay"
CHAMPION = "champion.json"

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


_CHAMPION = TypeAdapter(Champion)
_REPAIR = (
    "It names the version that predicts. Delete it, and promote a version of 'skytier models list' again with "
    f"'skytier models promote VERSION --reason ...' ({stored_document.REPAIRS})."
)


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
        card, contents = read_version(folder)
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
        return sorted(cards, key=lambda card: (trained_at(card), card["version"]))

    def card(self, version: str) -> Card:
        """The card of a version. Raises TerminalError, with the versions that are known, when there is none."""
        path = self._path(version, CARD)
        if not re.fullmatch(VERSION, version) or not self._files.exists(path):
            known = f"known: {', '.join(names)}" if (names := self._names()) else "none is known: run 'skytier train'"
            raise TerminalError(f"There is no version {version!r} of the model in {self._root} on HDFS; {known}.")
        return checked_card(self._files.read_json(path), f"{path} on HDFS")

    def champion(self) -> Champion | None:
        """The version that predicts; None before the first promotion."""
        path = self._path(CHAMPION)
        if not self._files.exists(path):
            return None
        return stored_document.read(self._files, path, _CHAMPION, "the registry", _REPAIR)

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
        if not re.fullmatch(VERSION, version):
            self.card(version)  # says what is known
        return kept_folder(
            cache / version,
            lambda folder: self._download(version, folder),
            on_wait=lambda: log.info("another process fetches", version=version),
            is_whole=is_whole,
        )

    def _download(self, version: str, folder: Path) -> None:
        card = self.card(version)
        for name, expected in card["files"].items():
            content = self._files.read_bytes(self._path(version, name))
            compare(content, expected, f"{self._path(version, name)} on HDFS")
            (folder / name).write_bytes(content)
        (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
        log.info("version fetched", version=version)

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


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"

"""The registry of a model: its published versions on HDFS, and which of them is the champion.

A version is an immutable folder: ``card.json`` (``models.card``) and the files that it lists. The champion is the
version that predicts. Its file, ``champion.json``, also holds its history.
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

from models.card import CARD, VERSION, Card, checked_card, compare, is_complete, read_version, trained_at
from skytier import logs, stored_document
from skytier.atomic_dir import cached_dir
from skytier.errors import TerminalError
from skytier.files import Files

CHAMPION = "champion.json"

log = logs.logger("models")


@dataclass(frozen=True)
class Tenure:
    """The tenure of a champion: which version, since when, why, and promoted by which user."""

    version: str
    since: AwareDatetime
    reason: str
    by: str


@dataclass(frozen=True)
class RolledBackTenure(Tenure):
    """A tenure that a rollback ended: when, why, and by which user."""

    until: AwareDatetime
    until_reason: str
    until_by: str


@dataclass(frozen=True)
class Champion(Tenure):
    """The current champion, the earlier tenures that a rollback can restore, and the rolled back ones, newest first."""

    earlier: tuple[Tenure, ...] = ()
    rolled_back: tuple[RolledBackTenure, ...] = ()

    def document(self) -> dict[str, Any]:
        """The champion in JSON's types."""
        document: dict[str, Any] = _CHAMPION.dump_python(self, mode="json")
        return document


_CHAMPION = TypeAdapter(Champion)
_REPAIR = (
    "It names the version that predicts. Delete it, then promote a version of 'skytier models list' with "
    f"'skytier models promote VERSION --reason ...' ({stored_document.REPAIRS})."
)


class Registry:
    """The versions of one model, below one folder of HDFS.

    Every method raises TransientError if HDFS does not answer, TerminalError if a card or the champion's file is
    invalid.
    """

    def __init__(self, files: Files, root: str) -> None:
        self._files = files
        self._root = root

    def publish(self, folder: Path) -> str:
        """Publish the version in a local folder and return its name. Publishing it again changes nothing.

        Raises TerminalError if the folder does not match its card, or if the version exists with another card.
        """
        card, contents = read_version(folder)
        version: str = card["version"]
        if self._is_published(card):
            return version
        temporary = self._path("_inprogress", f"{version}.{uuid.uuid4().hex}")
        try:
            for name, content in contents.items():
                self._files.write_atomically(f"{temporary}/{name}", content)
            self._files.rename(temporary, self._path(version))
        except TerminalError:
            if not self._is_published(card):  # another process may have published it meanwhile
                raise
        finally:
            self._files.delete(temporary)
        log.info("version published", version=version, files=sorted(card["files"]))
        return version

    def versions(self) -> list[Card]:
        """The cards of all versions, oldest first."""
        cards = [self.card(version) for version in self._names()]
        return sorted(cards, key=lambda card: (trained_at(card), card["version"]))

    def card(self, version: str) -> Card:
        """The card of a version. Raises TerminalError, which lists the published versions, if there is none."""
        path = self._path(version, CARD)
        if not re.fullmatch(VERSION, version) or not self._files.exists(path):
            names = self._names()
            known = f"published: {', '.join(names)}" if names else "none is published: run 'skytier train'"
            raise TerminalError(f"There is no version {version!r} of the model in {self._root} on HDFS; {known}.")
        return checked_card(self._files.read_json(path), f"{path} on HDFS")

    def champion(self) -> Champion | None:
        """The champion; None before the first promotion."""
        path = self._path(CHAMPION)
        if not self._files.exists(path):
            return None
        return stored_document.read(self._files, path, _CHAMPION, "the registry", _REPAIR)

    def promote(self, version: str, reason: str) -> Champion:
        """Promote a version to champion and return the champion. Promoting the champion changes nothing.

        Raises TerminalError, which lists the published versions, if there is no such version.
        """
        self.card(version)
        last = self.champion()
        if last and last.version == version:
            return last
        champion = Champion(version, _now(), reason, _user())
        if last:
            ended = Tenure(last.version, last.since, last.reason, last.by)
            champion = replace(champion, earlier=(ended, *last.earlier), rolled_back=last.rolled_back)
        self._files.write_json_atomically(self._path(CHAMPION), champion.document())
        log.info("version promoted", version=version, reason=reason, earlier=last.version if last else None)
        return champion

    def rollback(self, reason: str) -> Champion:
        """Restore the champion before this one and return it. The current one is recorded as rolled back.

        A later rollback does not restore a version that was rolled back. Raises TerminalError if there is no earlier
        champion.
        """
        last = self.champion()
        if last is None or not last.earlier:
            found = f"{last.version} is the only champion left" if last else "there is no champion"
            raise TerminalError(f"There is no earlier champion to roll back to: {found}. See 'skytier models list'.")
        version, at, by = last.earlier[0].version, _now(), _user()
        self.card(version)
        ended = RolledBackTenure(last.version, last.since, last.reason, last.by, at, reason, by)
        champion = Champion(version, at, reason, by, last.earlier[1:], (ended, *last.rolled_back))
        self._files.write_json_atomically(self._path(CHAMPION), champion.document())
        log.warning("version rolled back", version=last.version, reason=reason, champion=version)
        return champion

    def fetch(self, version: str, cache: Path) -> Path:
        """The local folder of a version, ``<cache>/<version>``; it is downloaded if it is absent or incomplete.

        Several processes may fetch at once. Raises TerminalError if a file on HDFS is not the published one.
        """
        if not re.fullmatch(VERSION, version):
            self.card(version)  # raises, and lists the published versions
        return cached_dir(
            cache / version,
            lambda folder: self._download(version, folder),
            on_wait=lambda: log.info("waiting for another process to fetch the version", version=version),
            is_complete=is_complete,
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
            raise TerminalError(f"{path} on HDFS is the card of another model: publish this model as a new version.")
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

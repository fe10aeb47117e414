"""The registry of models on a real HDFS: publish, promote, roll back and fetch versions, and reject invalid ones."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.card import CARD
from models.delay import REGISTRY_ROOT
from models.registry import CHAMPION, Registry
from skytier.errors import TerminalError
from skytier.files import Files
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("stack")]

FILE = "before_departure.ubj"
FIRST_TRAINED = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


@pytest.fixture
def empty_default(stack: OwnStack) -> Iterator[Registry]:
    """The registry that the commands use, emptied for the test."""
    files, aside = Files(), f"/tests/models-aside-{uuid.uuid4().hex}"
    if was_there := files.exists(REGISTRY_ROOT):
        files.rename(REGISTRY_ROOT, aside)
    yield Registry(files, REGISTRY_ROOT)
    files.delete(REGISTRY_ROOT)
    if was_there:
        files.rename(aside, REGISTRY_ROOT)


def trained(folder: Path, version: str, /, content: bytes = b"a model", days: int = 0, **changes: Any) -> Path:
    """What a training leaves: a folder with a card and two files."""
    folder = folder / version
    folder.mkdir(parents=True)
    files = {FILE: content, "features.json": b"[]"}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    card = {
        "version": version,
        "trained_at": (FIRST_TRAINED + timedelta(days=days)).isoformat(),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        "metrics": {
            "before_departure": {"mae": 16.25, "r2": 0.2, "coverage": 0.9},
            "after_departure": {"mae": 9.5, "r2": 0.8, "coverage": 0.91},
        },
        "data": {"from": "2013-01-01", "to": "2013-01-28", "rows": 25_000, "source": "package"},
        "split": {
            "train": ["2013-01-01", "2013-01-19"],
            "tune": ["2013-01-20", "2013-01-22"],
            "test": ["2013-01-23", "2013-01-28"],
        },
    }
    (folder / CARD).write_text(json.dumps(card | changes))
    return folder


def path_of(registry: Registry, *names: str) -> str:
    return "/".join((registry._root, *names))


@pytest.fixture
def three(registry: Registry, tmp_path: Path) -> Registry:
    """A registry with the versions a, b and c, trained in this order."""
    for days, version in enumerate("abc"):
        registry.publish(trained(tmp_path / "trained", version, version.encode(), days))
    return registry


def test_versions_are_what_was_published_oldest_first(registry: Registry, tmp_path: Path) -> None:
    assert registry.versions() == []
    folders = [trained(tmp_path, "1-newer", days=1), trained(tmp_path, "2-older")]
    assert [registry.publish(folder) for folder in folders] == ["1-newer", "2-older"]
    assert registry.versions() == [json.loads((folder / CARD).read_text()) for folder in reversed(folders)]
    assert registry.card("1-newer") == registry.versions()[1]
    assert Files().list(path_of(registry, "1-newer")) == [FILE, CARD, "features.json"]
    assert Files().list(path_of(registry, "_inprogress")) == []


def test_publishing_again_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    registry.publish(trained(tmp_path, "v"))
    assert registry.publish(tmp_path / "v") == "v"
    another = trained(tmp_path / "another", "v", b"another model")
    with pytest.raises(TerminalError, match=r"/v/card\.json on HDFS is the card of another model"):
        registry.publish(another)
    assert Files().read_bytes(path_of(registry, "v", FILE)) == b"a model"


def test_versions_published_at_once_are_all_complete(registry: Registry, tmp_path: Path) -> None:
    folder = trained(tmp_path, "v")
    with ThreadPoolExecutor(3) as pool:
        tries = [pool.submit(Registry(Files(), registry._root).publish, folder) for _ in range(3)]
        assert [published.result() for published in tries] == ["v"] * 3
    assert {FILE, CARD, "features.json"} <= set(Files().list(path_of(registry, "v")))
    assert registry.fetch("v", tmp_path / "cache").is_dir()


def test_a_folder_that_does_not_match_its_card_is_not_published(registry: Registry, tmp_path: Path) -> None:
    changed = trained(tmp_path, "changed")
    (changed / FILE).write_bytes(b"other bytes")
    missing = trained(tmp_path, "missing")
    (missing / FILE).unlink()
    unlisted = trained(tmp_path, "unlisted")
    (unlisted / "model.pkl").write_bytes(b"")
    cardless = tmp_path / "cardless"
    for folder, message in {
        changed: rf"changed/{FILE} does not match the model's card: its SHA-256 is",
        missing: rf"missing/{FILE}, a file of the model, cannot be read: No such file",
        unlisted: r"unlisted/card\.json does not list model\.pkl",
        cardless: r"cardless/card\.json, a file of the model, cannot be read: No such file",
    }.items():
        with pytest.raises(TerminalError, match=message):
            registry.publish(folder)
    assert registry.versions() == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"version": "../v"}, "version"),
        ({"version": "_inprogress"}, "version"),
        ({"trained_at": "2026-11-21T13:05:00"}, "trained_at"),  # of which zone?
        ({"files": {}}, "files"),
        ({"files": {"model.pkl": ""}}, r"files\.model\.pkl"),
        ({"files": {"../../x.ubj": ""}}, r"files\.\.\./\.\./x\.ubj"),
        ({"metrics": None}, "metrics"),
        ({"data": {}}, r"data\.from"),
        ({"split": {}}, r"split\.train"),
    ],
)
def test_a_card_that_breaks_the_contract_is_not_published(
    registry: Registry, tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(TerminalError, match=rf"card\.json is not a valid card: {place}"):
        registry.publish(trained(tmp_path, "v", **changes))
    assert not Files().exists(registry._root)


def test_no_champion_before_the_first_promotion(three: Registry) -> None:
    assert three.champion() is None
    with pytest.raises(TerminalError, match="no earlier champion to roll back to: there is no champion"):
        three.rollback("why not")


def test_promotions_are_remembered_newest_first(three: Registry) -> None:
    for version in "abc":
        assert three.promote(version, f"{version} is better").version == version
    champion = three.champion()
    assert champion is not None
    assert (champion.version, champion.reason) == ("c", "c is better")
    assert [(tenure.version, tenure.reason) for tenure in champion.earlier] == [
        ("b", "b is better"),
        ("a", "a is better"),
    ]
    assert datetime.now(UTC) - champion.since < timedelta(minutes=5)
    document = Files().read_json(path_of(three, CHAMPION))
    assert document == champion.document()
    assert set(document["earlier"][0]) == {"version", "since", "reason", "by"}
    assert [card["version"] for card in three.versions()] == ["a", "b", "c"]


def test_promoting_the_champion_again_changes_nothing(three: Registry) -> None:
    first = three.promote("a", "first")
    assert three.promote("a", "again") == first
    assert three.champion() == first


def test_only_published_versions_are_promoted_shown_and_fetched(three: Registry, tmp_path: Path) -> None:
    for unknown in ("d", "../a", "_inprogress", CHAMPION):
        for use in (
            lambda version: three.promote(version, "why not"),
            three.card,
            lambda version: three.fetch(version, tmp_path / "cache"),
        ):
            with pytest.raises(TerminalError, match=rf"There is no version '{unknown}' .*; published: a, b, c\."):
                use(unknown)
    assert three.champion() is None
    with pytest.raises(TerminalError, match="none is published: run 'skytier train'"):
        Registry(Files(), path_of(three, "nothing")).promote("a", "why not")


def test_a_rollback_restores_no_version_that_was_rolled_back(three: Registry) -> None:
    for version in "abc":
        three.promote(version, f"{version} is better")
    back = three.rollback("c errs")
    assert three.champion() == back
    assert (back.version, back.reason, [tenure.version for tenure in back.earlier]) == ("b", "c errs", ["a"])
    (ended,) = back.rolled_back
    assert (ended.version, ended.reason, ended.until_reason, ended.until) == ("c", "c is better", "c errs", back.since)
    last = three.rollback("b errs")
    assert (last.version, last.earlier) == ("a", ())
    assert [tenure.version for tenure in last.rolled_back] == ["b", "c"]
    with pytest.raises(TerminalError, match="no earlier champion to roll back to: a is the only champion left"):
        three.rollback("a errs")
    again = three.promote("c", "repaired")
    assert ([tenure.version for tenure in again.earlier], again.rolled_back) == (["a"], last.rolled_back)


def test_a_champion_file_that_is_not_valid_is_named(three: Registry) -> None:
    Files().write_json_atomically(path_of(three, CHAMPION), {"version": "a"})
    with pytest.raises(TerminalError, match=r"champion\.json on HDFS is not what the registry writes: since"):
        three.champion()


def test_a_fetch_downloads_what_was_published_once(three: Registry, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folder = three.fetch("a", cache)
    assert folder == cache / "a"
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != CARD} == {
        FILE: b"a",
        "features.json": b"[]",
    }
    assert json.loads((folder / CARD).read_text()) == three.card("a")
    inode = (folder / FILE).stat().st_ino
    assert three.fetch("a", cache) == folder
    assert (folder / FILE).stat().st_ino == inode


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_copy_is_fetched_again(three: Registry, tmp_path: Path, damage: str) -> None:
    file = three.fetch("a", tmp_path / "cache") / FILE
    if damage == "changed":
        file.write_bytes(b"other bytes")
    else:
        file.unlink()
    (tmp_path / "cache" / "_a").mkdir()  # of a fetch that was killed
    three.fetch("a", tmp_path / "cache")
    assert file.read_bytes() == b"a"


def test_a_file_changed_on_hdfs_is_not_used(three: Registry, tmp_path: Path) -> None:
    path = path_of(three, "a", FILE)
    Files().write_atomically(path, b"other bytes")
    with pytest.raises(TerminalError, match=rf"{path} on HDFS does not match the model's card: its SHA-256 is"):
        three.fetch("a", tmp_path / "cache")
    Files().delete(path)
    with pytest.raises(TerminalError, match=f"could not read {path}"):
        three.fetch("a", tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".a.lock"]


def test_concurrent_fetches_all_succeed(three: Registry, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(Registry(Files(), three._root).fetch, "a", tmp_path / "cache") for _ in range(4)]
        assert {(fetched.result() / FILE).read_bytes() for fetched in tries} == {b"a"}


def command(stack: OwnStack, *arguments: str) -> str:
    done = stack.skytier("models", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands(stack: OwnStack, empty_default: Registry, tmp_path: Path) -> None:
    assert "run 'skytier train'" in command(stack, "list")
    assert json.loads(command(stack, "list", "--json")) == []
    for days, version in enumerate("ab"):
        empty_default.publish(trained(tmp_path, version, days=days))
        command(stack, "promote", version, "--reason", f"{version} is better")
    listed = json.loads(command(stack, "list", "--json"))
    cards = empty_default.versions()
    assert listed == [cards[0] | {"champion": False}, cards[1] | {"champion": True}]
    row = next(line for line in command(stack, "list").splitlines() if "│ b " in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "b", "2026-11-22 13:05Z", "25,000", "16.25", "9.5", "*",
    ]  # fmt: skip
    assert json.loads(command(stack, "show", "b", "--json")) == listed[1]
    shown = command(stack, "show", "b")
    assert "on 25,000 rows of package, 2013-01-01 to 2013-01-28" in shown
    assert "days to test on: 2013-01-23 to 2013-01-28" in shown
    row = next(line for line in shown.splitlines() if "MAE, minutes" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["MAE, minutes", "16.25", "9.50"]
    back = json.loads(command(stack, "rollback", "--reason", "b errs", "--json"))
    assert (back["version"], back["reason"], back["rolled_back"][0]["version"]) == ("a", "b errs", "b")
    failed = stack.skytier("models", "rollback", "--reason", "a errs")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "error: There is no earlier champion to roll back to" in failed.stderr
    assert stack.skytier("models", "promote", "a").returncode == 2

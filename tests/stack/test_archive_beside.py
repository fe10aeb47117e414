"""Commands of the archive in two processes at once: what is acknowledged stays, and each event is seen once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from skytier.archive.manifest import Manifest, State
from skytier.files import Files
from tests import archives
from tests.archive_runs import AMPLE, archive, archived, check_view, environment, failing, has_alert, hot_count
from tests.faults.truth import Truth
from tests.flights_archive import location, on_hdfs
from tests.own_stack import SKYTIER, OwnStack, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600), pytest.mark.usefixtures("made")]

GRACE = {"SKYTIER_ARCHIVE_GRACE_SECONDS": "6"}
PLAN_COMPACTION = (
    "from skytier.archive import compaction, lifecycle_cli\n"
    "with lifecycle_cli.flights_stores() as stores:\n"
    "    print(compaction.plan_compaction(stores, stores.settings, 0, stores.target.pipeline.contract.version))"
)
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def made(moving_stack: OwnStack) -> None:
    """At least three archives are there."""
    with settings_of(moving_stack):
        while len(archives.manifests(State.DONE)) < 3:
            archived(moving_stack)


@contextmanager
def beside(stack: OwnStack, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the archive that runs beside the block."""
    variables = environment(stack, **GRACE, **settings)
    with subprocess.Popen(
        [SKYTIER, "archive", *arguments], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(archive_id: str, condition: Callable[[Manifest], object]) -> None:
    """Wait until the manifest of an archive is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(on_hdfs().load(archive_id)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def load(archive_id: str) -> Manifest:
    return on_hdfs().load(archive_id)


def retention_of_oldest() -> dict[str, str]:
    """Settings by which only the archive with the oldest events is too old."""
    return Truth().retention_of_the_oldest()


def oldest() -> str:
    done = [manifest for manifest in archives.manifests(State.DONE) if manifest.event_time_max]
    return min(done, key=lambda manifest: str(manifest.event_time_max)).archive_id


def test_a_hold_in_the_wait_of_expire_wins(archive_stack: OwnStack) -> None:
    chosen = oldest()
    with beside(archive_stack, "expire", **retention_of_oldest()) as expire:
        until(chosen, lambda manifest: manifest.state is State.EXPIRING)
        archive(archive_stack, "hold", chosen, "--reason", "case 7")
        check_view()
        said, _ = expire.communicate()
    retained = f"{chosen} is past its retention time and not deleted: it is held (case 7)."
    assert (expire.returncode, said.splitlines()) == (0, ["There is no such archive.", retained])
    manifest = load(chosen)
    assert (manifest.state, manifest.hold and manifest.hold.reason) == (State.DONE, "case 7")
    archive(archive_stack, "verify", chosen)
    archive(archive_stack, "release", chosen, "--reason", "closed")


def test_an_expire_killed_in_its_wait_is_undone_by_a_hold(archive_stack: OwnStack) -> None:
    chosen = oldest()
    with beside(archive_stack, "expire", **retention_of_oldest()) as expire:
        until(chosen, lambda manifest: manifest.state is State.EXPIRING)
        expire.kill()
    assert "is expiring" in failing(archive_stack, "restore", chosen)
    archive(archive_stack, "hold", chosen, "--reason", "case 8")
    check_view()
    archive(archive_stack, "release", chosen, "--reason", "closed")


def test_what_was_unpinned_and_sent_back_in_the_wait_of_restore_is_not_put_back(archive_stack: OwnStack) -> None:
    chosen, documents = oldest(), hot_count()
    with beside(archive_stack, "restore", chosen) as restore:
        until(chosen, lambda manifest: manifest.restored and manifest.restored.shown_at)
        archive(archive_stack, "hold", chosen, "--reason", "case 9")
        archive(archive_stack, "unpin", chosen)
        archive(archive_stack, "run", **AMPLE)
        _, said = restore.communicate()
    assert restore.returncode == 1
    assert f"{chosen} was unpinned before its events were inserted" in said
    assert hot_count() == documents
    check_view()
    archive(archive_stack, "release", chosen, "--reason", "closed")


def test_archives_that_a_compaction_takes_in(archive_stack: OwnStack) -> None:
    chosen = oldest()
    archive_stack.run_python(PLAN_COMPACTION)
    compaction = on_hdfs().open()
    assert compaction is not None
    assert chosen in compaction.sources
    assert f"{chosen} is being merged into {compaction.archive_id}" in failing(archive_stack, "restore", chosen)
    expired = archive(archive_stack, "expire", **retention_of_oldest())
    retained = f"{chosen} is past its retention time and not deleted: a compaction is merging it."
    assert expired.splitlines() == ["There is no such archive.", retained]
    archive(archive_stack, "abandon", compaction.archive_id, "--reason", "not now")
    assert load(compaction.archive_id).state is State.FAILED

    archive_stack.run_python(PLAN_COMPACTION)
    archive(archive_stack, "hold", chosen, "--reason", "case 10")
    archive(archive_stack, "run", **AMPLE)
    merged = archives.manifests(State.DONE)[-1]
    assert chosen in merged.sources
    assert merged.hold is not None
    assert merged.hold.reason == "case 10"
    check_view()
    assert archive(archive_stack, "release", chosen, "--reason", "closed").startswith(merged.archive_id)


def test_a_compaction_whose_source_vanished_fails_and_archiving_goes_on(archive_stack: OwnStack) -> None:
    while len(archives.manifests(State.DONE)) < 3:
        archived(archive_stack)
    archive_stack.run_python(PLAN_COMPACTION)
    compaction = on_hdfs().open()
    assert compaction is not None
    lost, files = load(compaction.sources[0]), Files()
    aside = f"/tests/{lost.archive_id}"
    files.rename(location(lost), aside)
    try:
        failing(archive_stack, "run", **AMPLE)
    finally:
        files.rename(aside, location(lost))
    failed = load(compaction.archive_id)
    assert failed.state is State.FAILED
    assert location(lost) in (failed.failure or "")
    assert has_alert(f"export of {compaction.archive_id}")
    archive(archive_stack, "run", **AMPLE)
    check_view()

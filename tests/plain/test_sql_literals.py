"""Values in statements of SQL: whatever they hold, they stay values."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from skytier.archive.manifest import File, Manifest, Selection, State
from skytier.archive.manifests import Manifests
from skytier.errors import TerminalError
from skytier.warehouse import literal, parquet
from tests.files_in_memory import FilesInMemory

pytestmark = pytest.mark.plain

_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_ESCAPE = re.compile(r"\\(u0024|.)", re.DOTALL)
NASTY = some.text(alphabet=some.sampled_from(list("'\"\\`;-/*${}ab \n\x00é")), max_size=30)


def read(text: str) -> str:
    """What Spark reads in a literal: its grammar of strings, and of what follows a backslash here."""
    assert _LITERAL.fullmatch(text)
    return _ESCAPE.sub(lambda found: "$" if found[1] == "u0024" else found[1], text[1:-1])


@given(some.one_of(some.text(), NASTY))
def test_any_text_is_one_literal_that_means_itself(text: str) -> None:
    written = literal(text)
    assert read(written) == text
    assert "${" not in written  # which Spark would fill in before it reads the statement


@given(some.one_of(some.text(), NASTY))
def test_any_folder_is_one_table(location: str) -> None:
    written = parquet(location)
    name = written.removeprefix("parquet.")
    assert re.fullmatch(r"`(?:[^`]|``)*`", name, re.DOTALL)
    assert name[1:-1].replace("``", "`") == location


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_no_names_of_columns(value: float) -> None:
    assert literal(value) == f"double('{value}')"


def manifest_of(archive_id: str) -> Manifest:
    """A manifest of an archive that was just planned."""
    now = datetime(2013, 1, 1, tzinfo=UTC)
    return Manifest(
        archive_id=archive_id,
        state=State.PLANNED,
        planned_at=now,
        planned_by="a test",
        selection=Selection(event_time_before=now, batches=()),
        planned=1,
        estimated_bytes=1,
        size_before_bytes=1,
        schema_version=1,
        state_times={},
    )


FOLDER = "/metadata/archives"
WAYS_OUT = ["../raw", "archive_1/../../raw", "archive_1`", "archive_'1", "", "archive_", "/archive_1", "archive_1\n"]


@pytest.mark.parametrize("archive_id", WAYS_OUT)
def test_no_manifest_names_a_folder_that_is_no_archives(archive_id: str) -> None:
    manifest = manifest_of("archive_1").model_dump(mode="json")
    for changed in ({"archive_id": archive_id}, {"sources": [archive_id]}):
        with pytest.raises(ValidationError):
            Manifest.model_validate(manifest | changed)
    with pytest.raises(TerminalError, match="There is no archive"):
        Manifests(FilesInMemory(), FOLDER).load(archive_id)


@pytest.mark.parametrize("name", ["../part-0.parquet", "a/b", ".hidden", "", "part`0"])
def test_no_manifest_names_a_file_elsewhere(name: str) -> None:
    with pytest.raises(ValidationError):
        File(name=name, size_bytes=1)


def test_a_manifest_under_another_name_is_refused() -> None:
    files = FilesInMemory()
    manifests = Manifests(files, FOLDER)
    manifests.save(manifest_of("archive_1"))
    text = files.read_text("/metadata/archives/archive_1_metadata.json")
    files.write_json_atomically("/metadata/archives/archive_2_metadata.json", json.loads(text))
    with pytest.raises(TerminalError, match="is the manifest of archive_1"):
        manifests.load("archive_2")

"""How much moves to the archive, which events, in which key ranges and files; and the views that SQL has of it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skytier import migrations
from skytier.archive import hot, planning, visibility
from skytier.archive.checksum import total
from skytier.archive.hot import HotSize
from skytier.archive.manifest import Selection, Tally
from skytier.hot_tier import Document
from skytier.pipeline.batch_ids import BatchSpan
from skytier.settings.archive import ArchiveSettings
from tests.flights_archive import TARGET

pytestmark = pytest.mark.plain

MB = planning.MB
DAY = datetime(2013, 1, 1, tzinfo=UTC)
CLOCK = DAY + timedelta(days=30)

# Larger than any limit of these settings.
too_large = st.builds(HotSize, st.integers(1_001 * MB, 3_000 * MB), st.integers(0, 200 * MB), st.integers(1, 3_000_000))
sizes = too_large | st.builds(HotSize, st.integers(0, 2_000 * MB), st.integers(0, 200 * MB), st.integers(1, 3_000_000))
settings = st.builds(
    ArchiveSettings,
    limit_mb=st.floats(1, 1000),
    low_water_pct=st.floats(1, 99),
    run_mb=st.floats(0.1, 2000),
    documents_per_range=st.integers(1, 50_000),
    file_mb=st.floats(0.5, 200),
)
moments = st.integers(0, 9).map(lambda minutes: DAY + timedelta(minutes=minutes))
spans = st.tuples(st.integers(0, 9), st.integers(0, 3)).map(lambda s: BatchSpan(s[0], s[0] + s[1]))
selections = st.builds(
    Selection, event_time_before=moments, batches=st.lists(spans, max_size=3).map(lambda found: tuple(found))
)
ids = st.text(max_size=4)
events = st.builds(
    lambda event_id, at, batch: {"_id": event_id, "event_time": at, "batch_id": batch}, ids, moments, st.integers(0, 12)
)
tallies = st.builds(
    lambda documents, checksum: Tally(documents=documents, checksum=f"{checksum:032x}"),
    st.integers(0, 10**9),
    st.integers(0, 2**128 - 1),
)


def matches(query: Document, document: Document) -> bool:
    """Whether MongoDB would find the document: as much of its language as the filters use."""
    return all(_holds(name, wanted, document) for name, wanted in query.items())


def _holds(name: str, wanted: Any, document: Document) -> bool:
    if name == "$or":
        return any(matches(query, document) for query in wanted)
    if name == "$nor":
        return not any(matches(query, document) for query in wanted)
    return all(_compares(operator, document[name], operand) for operator, operand in wanted.items())


def _compares(operator: str, value: Any, operand: Any) -> bool:
    if operator == "$type":
        assert operand == "string"
        return isinstance(value, str)
    if operator == "$in":
        return value in operand
    if type(value) is not type(operand):  # MongoDB compares only what is of one type
        return False
    # MongoDB compares strings by their bytes.
    one, other = (v.encode() if isinstance(v, str) else v for v in (value, operand))
    return bool({"$gte": one >= other, "$lt": one < other, "$lte": one <= other}[operator])


def is_of(selection: Selection, event: Document) -> bool:
    is_old = event["event_time"] < selection.event_time_before
    return is_old and any(event["batch_id"] in range(span.first, span.last + 1) for span in selection.batches)


@given(sizes, settings)
def test_nothing_moves_while_the_hot_tier_is_within_its_limit(size: HotSize, limits: ArchiveSettings) -> None:
    is_over = size.total_bytes > limits.limit_mb * MB
    assert (planning.documents_to_move(size, limits.limit_mb * MB, limits) > 0) is is_over


@given(too_large, settings)
def test_a_run_moves_just_enough_and_no_more_than_it_may(size: HotSize, limits: ArchiveSettings) -> None:
    moved = planning.documents_to_move(size, limits.limit_mb * MB, limits)
    each = size.total_bytes / size.documents
    too_much = size.total_bytes - limits.limit_mb * MB * limits.low_water_pct / 100
    wanted = min(too_much, limits.run_mb * MB)
    assert 0 < moved <= size.documents
    assert moved * each >= wanted * (1 - 1e-9)
    assert (moved - 1) * each < wanted


@given(too_large, settings)
def test_runs_bring_it_to_the_low_water_mark_and_then_rest(size: HotSize, limits: ArchiveSettings) -> None:
    limits = limits.model_copy(update={"run_mb": math.inf})
    moved = planning.documents_to_move(size, limits.limit_mb * MB, limits)
    left = size.documents - moved
    each = size.total_bytes / size.documents
    after = HotSize(math.floor(left * each), 0, left)
    assert after.total_bytes <= limits.limit_mb * MB * limits.low_water_pct / 100 + 1
    assert planning.documents_to_move(after, limits.limit_mb * MB, limits) == 0


def test_an_empty_hot_tier_moves_nothing_however_large_its_indexes_are() -> None:
    assert planning.documents_to_move(HotSize(0, 900 * MB, 0), 1 * MB, ArchiveSettings(limit_mb=1)) == 0
    assert planning.estimated_bytes(HotSize(0, 900 * MB, 0), 5) == 0


@given(sizes, st.integers(0, 10**6))
def test_the_estimate_is_their_share_of_the_data(size: HotSize, documents: int) -> None:
    share = size.data_bytes * documents / size.documents
    assert share - 1e-3 <= planning.estimated_bytes(size, documents) <= share + 1 + 1e-3


@given(st.floats(0, 1000), st.floats(0.1, 1000))
def test_ages_are_measured_from_the_clock_of_the_warehouse(hours: float, days: float) -> None:
    limits = ArchiveSettings(minimum_age_hours=hours, window_days=days)
    assert CLOCK - planning.youngest_to_move(CLOCK, limits) == timedelta(hours=hours)
    assert CLOCK - planning.window_start(CLOCK, limits) == timedelta(days=days)


@given(st.integers(0, 10**7), settings)
def test_key_ranges_are_no_larger_than_they_may(documents: int, limits: ArchiveSettings) -> None:
    ranges = planning.key_ranges(documents, limits)
    assert ranges >= 1
    assert ranges * limits.documents_per_range >= documents
    assert (ranges - 1) * limits.documents_per_range < max(documents, 1)


@given(st.integers(0, 10**11), st.integers(1, 64), settings)
def test_files_are_large_and_keep_every_core_busy(estimated: int, cores: int, limits: ArchiveSettings) -> None:
    number = planning.files(estimated, cores, limits)
    assert number >= cores
    assert number * limits.file_mb * MB * 10 >= estimated * (1 - 1e-9)
    assert number == cores or (number - 1) * limits.file_mb * MB * 10 < estimated


@given(st.integers(1, 500), st.integers(1, 100))
def test_every_key_range_is_in_one_file_next_to_its_neighbours(ranges: int, files: int) -> None:
    parts = planning.spread(ranges, files)
    assert [number for part in parts for number in part] == list(range(ranges))
    assert len(parts) == min(ranges, files)
    lengths = set(map(len, parts))
    assert 0 not in lengths
    assert max(lengths) - min(lengths) <= 1


@given(selections, st.lists(selections, max_size=3), events)
def test_an_event_is_chosen_by_time_and_batch_unless_excluded(
    selection: Selection, excluded: list[Selection], event: Document
) -> None:
    expected = is_of(selection, event) and not any(is_of(other, event) for other in excluded)
    assert matches(hot.matching(selection, excluded), event) is expected


@given(moments, events)
def test_without_batches_nothing_is_chosen_and_nothing_excluded(before: datetime, event: Document) -> None:
    nothing = Selection(event_time_before=before, batches=())
    everything = Selection(event_time_before=CLOCK, batches=(BatchSpan(0, 12),))
    assert not matches(hot.matching(nothing), event)
    assert matches(hot.matching(everything, [nothing]), event)
    assert not matches(hot.matching(everything, [everything]), event)


@given(selections, events, st.sampled_from([5, None, b"a", {"a": 1}]))
def test_a_document_without_a_string_for_an_id_is_no_event(selection: Selection, event: Document, key: Any) -> None:
    assert not matches(hot.matching(selection), {**event, "_id": key})


@given(st.sets(ids, max_size=6), events, selections)
def test_every_id_is_in_one_key_range(starts: set[str], event: Document, selection: Selection) -> None:
    ordered = sorted(starts)
    which = hot.matching(selection)
    found = [n for n in range(len(ordered) + 1) if matches(hot.in_range(which, ordered, n), event)]
    # The export counts by this rule what it reads back from the copy.
    expected = sum(event["_id"] >= start for start in ordered)
    assert found == ([expected] if matches(which, event) else [])


@given(st.sets(ids, min_size=1, max_size=6), selections)
def test_a_key_range_leaves_the_filter_as_it_was(starts: set[str], selection: Selection) -> None:
    which = hot.matching(selection)
    before = repr(which)
    for number in range(len(starts) + 1):
        narrowed = hot.in_range(which, sorted(starts), number)
        assert {**narrowed, "_id": None} == {**which, "_id": None}
    assert repr(which) == before


@given(st.lists(tallies), st.randoms())
def test_a_total_does_not_depend_on_the_order(parts: list[Tally], random: Any) -> None:
    assert total(random.sample(parts, len(parts))) == total(parts)


@given(st.lists(tallies), st.lists(tallies))
def test_totals_add_up(some: list[Tally], others: list[Tally]) -> None:
    both = total([*some, *others])
    assert both == total([total(some), total(others)])
    assert both.documents == sum(part.documents for part in some + others)
    assert int(both.checksum, 16) == sum(int(part.checksum, 16) for part in some + others) % 2**128
    assert re.fullmatch(r"[0-9a-f]{32}", both.checksum)


def test_the_total_of_nothing_is_an_empty_tally() -> None:
    assert total([]) == Tally()


SECRET = "mongodb://reader:it's-secret@db/?replicaSet=rs"  # noqa: S105 - of no server


def names_of_columns() -> list[str]:
    (table,) = (t for t in migrations.tables(migrations.read()) if t.name == "archived_flight_events")
    return [column.name for column in table.columns if column.name not in ("archive_id", "other_fields")]


def test_the_view_of_the_hot_tier_declares_each_column_once() -> None:
    hot_view, _ = visibility.view_statements(TARGET, SECRET)
    match = re.match(r"CREATE OR REPLACE GLOBAL TEMPORARY VIEW hot_flight_events \((.*)\) USING", hot_view, re.DOTALL)
    assert match
    assert "COMMENT" not in match[1]
    plain = re.sub(r"<[^<>]*>", "", match[1])
    assert [column.split()[0] for column in plain.split(", ")] == names_of_columns()
    escaped = SECRET.replace("'", "\\'")
    assert hot_view.count("secret") == 1
    assert f"connection.uri '{escaped}'" in hot_view


def test_the_view_of_both_tiers_has_each_column_once_and_no_secret() -> None:
    _, both = visibility.view_statements(TARGET, SECRET)
    lists = re.findall(r"SELECT ((?:event\.)?event_id, .*?)(?: FROM .*)?\n", both)
    outer, archive, hot_tier = (re.sub(r"\bevent\.", "", found).split(", ") for found in lists)
    names = names_of_columns()
    assert outer == [*names, "tier"]
    assert archive == [*names, "'archive' AS tier", "archive_id AS part"]
    assert hot_tier == [*names, "'hot' AS tier", "'hot' AS part"]
    assert "secret" not in both
    assert "mongodb" not in both


@pytest.mark.parametrize(
    ("megabytes", "cores", "number"),
    [(0, 2, 2), (1200, 2, 2), (1201, 2, 3), (6400, 4, 11), (6000, 10, 10), (6001, 10, 11)],
)
def test_a_file_holds_a_tenth_of_its_documents_size(megabytes: int, cores: int, number: int) -> None:
    assert planning.files(megabytes * planning.MB, cores, ArchiveSettings(file_mb=60)) == number


@pytest.mark.parametrize(("megabytes", "moves"), [(1, 0), (299, 0), (300, 0), (300.3, 201)])
def test_nothing_moves_up_to_the_limit(megabytes: float, moves: int) -> None:
    size = HotSize(documents=1001, data_bytes=round(megabytes * MB), index_bytes=0)
    assert planning.documents_to_move(size, 300 * MB, ArchiveSettings(limit_mb=300, low_water_pct=80)) == moves

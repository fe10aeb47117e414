"""A document of the hot tier comes back from an archive's Parquet exactly as it was, whatever it holds."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import bson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from events.flight import CONTRACT
from skytier import migrations
from skytier.archive.checksum import digest
from skytier.contract import STRUCT
from skytier.documents import OTHER_FIELDS, to_batch, to_documents
from skytier.hot_tier import Document
from skytier.pipeline.record_outputs import PROCESSING
from spark_jobs.flights import outputs

pytestmark = pytest.mark.plain

ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", "UTC"),
    "array<string>": pa.list_(pa.string()),
}
AS_STORED: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def declared() -> pa.Schema:
    """The columns of ``flight_dw.archived_flight_events`` in its files."""
    (table,) = (t for t in migrations.tables(migrations.read()) if t.name == "archived_flight_events")
    return pa.schema([(c.name, arrow_type(c.type)) for c in table.columns if c.name != "archive_id"])


def arrow_type(text: str) -> pa.DataType:
    if text.startswith("struct<"):
        return pa.struct([(name, ARROW[kind]) for name, kind in re.findall(r"^ +(\w+): (\w+)", text, re.MULTILINE)])
    return ARROW[text]


SCHEMA = declared()
COLUMNS = [name for name in SCHEMA.names if name != OTHER_FIELDS]
KEYS = {"_id", "event_id"}

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - PyMongo's times are naive, in UTC
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
moments = st.integers(FIRST_MS, LAST_MS).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
beyond_datetime = (st.integers(LAST_MS + 1, 2**63 - 1) | st.integers(-(2**63), FIRST_MS - 1)).map(DatetimeMS)
texts = st.text(max_size=8) | st.sampled_from(["", "\0", "a\0b", "𝄞 \U0010ffff", '{"$oid": 1}'])
# What extended JSON gives a meaning to, such as $oid, has a test of its own.
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).filter(lambda n: n[:1] != "$")
small = st.integers(-(2**31), 2**31 - 1)
wide = st.integers(-(2**63), 2**63 - 1)
# Of the many NaNs only the usual one: extended JSON knows no other.
doubles = st.floats(allow_nan=False) | st.sampled_from([float("nan"), -0.0, 5e-324])

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    small,
    wide.map(Int64),
    small.map(Int64),
    doubles,
    texts,
    moments,
    beyond_datetime,
    st.binary(max_size=4),
    st.builds(Binary, st.binary(min_size=16, max_size=16), st.sampled_from([0, 2, 3, 4, 5, 128, 255])),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.sampled_from(["0", "-0E-10", "NaN", "-Infinity", "1.50", "9.999E+6144"]).map(Decimal128),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.sampled_from([MinKey(), MaxKey(), Regex("^a/\"'", "imsx"), Code("f()"), Code("f()", {"x": 1}), DBRef("c", 1)]),
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=5
)


def fitting(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Values that a column of this type is for."""
    if pa.types.is_struct(kind):
        return st.dictionaries(st.sampled_from([kind.field(i).name for i in range(kind.num_fields)]), doubles)
    return {
        pa.string(): texts,
        pa.int32(): small,
        pa.int64(): small | wide,
        pa.float64(): doubles,
        pa.bool_(): st.booleans(),
        pa.timestamp("us", "UTC"): moments,
        pa.list_(pa.string()): st.lists(texts, max_size=3),
    }[kind]


def of_columns(fields: Sequence[str]) -> st.SearchStrategy[Document]:
    by_name = {name: fitting(SCHEMA.field(name).type) for name in fields}
    return st.lists(st.sampled_from(fields), unique=True, max_size=12).flatmap(
        lambda some: st.fixed_dictionaries({name: by_name[name] for name in some})
    )


def as_stored(document: Document) -> Document:
    """The document as the hot tier hands it over."""
    return bson.decode(bson.encode(document), AS_STORED)


ordinary = st.builds(
    lambda event_id, rest: as_stored({"_id": event_id, "event_id": event_id, **rest}),
    texts,
    of_columns([name for name in COLUMNS if name != "event_id"]),
)
weathers = st.dictionaries(
    st.sampled_from(["temperature_f", "wind_gust_mph", "colour"]), doubles | st.none() | texts | small, max_size=3
)
flags = st.lists(st.none() | texts | small, max_size=3)
odd = st.builds(
    lambda base, strange, key, weather, flagged, dropped: as_stored(
        {n: v for n, v in {**base, **strange, **weather, **flagged, **key}.items() if n not in dropped}
    ),
    ordinary,
    st.dictionaries(st.sampled_from([*COLUMNS, OTHER_FIELDS, "archive_id"]) | names, values, max_size=4),
    st.fixed_dictionaries({"_id": texts}),
    st.fixed_dictionaries({}, optional={"weather": weathers}),
    st.fixed_dictionaries({}, optional={"quality_flags": flags}),
    st.sets(st.sampled_from([name for name in COLUMNS if name.startswith("e")])),
)
mixed = st.lists(ordinary | odd, max_size=4)


def through_parquet(batch: pa.RecordBatch, schema: pa.Schema | None = None, rows: int = 3) -> list[Document]:
    """The documents of a file as Spark writes it, without Arrow's own schema, read some rows at a time."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_batches([batch]), file, compression="snappy", store_schema=False)
    file.seek(0)
    return [d for part in pq.read_table(file, schema=schema).to_batches(rows) for d in to_documents(part)]


def in_order(value: Any) -> Any:
    """The value with the fields of every document in it in the order of their names."""
    if isinstance(value, dict):
        return {name: in_order(value[name]) for name in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value


def content(document: Document) -> bytes:
    return bson.encode(in_order(document))


def check_same(documents: Sequence[Document], back: Sequence[Document]) -> None:
    assert [content(document) for document in back] == [content(document) for document in documents]
    assert list(map(digest, back)) == list(map(digest, documents))


@given(mixed, st.integers(1, 4))
def test_documents_survive_parquet(documents: list[Document], rows: int) -> None:
    check_same(documents, through_parquet(to_batch(documents, SCHEMA), rows=rows))


@given(mixed, st.sets(st.sampled_from(COLUMNS), max_size=20), st.randoms())
def test_the_table_may_have_got_columns_since(documents: list[Document], some: set[str], random: Any) -> None:
    columns = sorted(some | {"event_id", OTHER_FIELDS})
    random.shuffle(columns)
    earlier = pa.schema([SCHEMA.field(name) for name in columns])
    written = to_batch(documents, earlier)
    check_same(documents, through_parquet(written))
    check_same(documents, through_parquet(written, SCHEMA))


@given(st.lists(ordinary, max_size=4))
def test_an_ordinary_document_needs_no_other_fields(documents: list[Document]) -> None:
    batch = to_batch(documents, SCHEMA)
    assert batch.schema.equals(SCHEMA)
    assert batch.column(OTHER_FIELDS).null_count == len(documents)


@given(ordinary, st.sampled_from(COLUMNS[1:]), values)
def test_only_what_does_not_fit_leaves_its_column(document: Document, name: str, value: Any) -> None:
    changed = as_stored({**document, name: value})
    whole, row = to_batch([document], SCHEMA).to_pylist()[0], to_batch([changed], SCHEMA).to_pylist()[0]
    left_alone = [column for column in COLUMNS if column != name]
    assert list(map(repr, map(whole.get, left_alone))) == list(map(repr, map(row.get, left_alone)))
    assert row[OTHER_FIELDS] is None or row[name] is None


@pytest.mark.parametrize(
    "strange",
    [
        {"departure_delay_minutes": 3},
        {"flight_number": Int64(1545)},
        {"flight_number": 1545.0},
        {"flight_number": True},
        {"batch_id": Int64(7)},
        {"batch_id": 7.0},
        {"tail_number": None},
        {"tail_number": Code("N14228")},
        {"event_time": DatetimeMS(LAST_MS + 1)},
        {"event_time": "2013-01-01T10:17:00Z"},
        {"distance_miles": Decimal128("1400.00")},
        {"is_delayed": 1},
        {"weather": {"temperature_f": 39.0, "colour": "grey"}},
        {"weather": {"temperature_f": None}},
        {"weather": {"temperature_f": "39"}},
        {"weather": {"temperature_f": 39}},
        {"weather": []},
        {"quality_flags": [None]},
        {"quality_flags": ["a", 1]},
        {"quality_flags": "a"},
        {"gate": {"terminal": ["B", 4, None, {"level": ObjectId(b"x" * 12)}]}},
        {"_id": "another"},
        {OTHER_FIELDS: "{}"},
        {"archive_id": "archive_1"},
    ],
    ids=repr,
)
def test_what_a_column_cannot_carry_is_kept_beside_it(strange: Document) -> None:
    plain: Document = {"_id": "a", "event_id": "a", "departure_delay_minutes": 2.0, "weather": {}, "batch_id": 2**40}
    documents = [as_stored(plain), as_stored(plain | strange), as_stored({"_id": "b"})]
    batch = to_batch(documents, SCHEMA)
    assert batch.column(OTHER_FIELDS).is_null().to_pylist() == [True, False, False]
    check_same(documents, through_parquet(batch))


@pytest.mark.parametrize(
    "fits",
    [
        {"weather": {}},
        {"weather": {"temperature_f": float("nan"), "wind_gust_mph": -0.0}},
        {"quality_flags": []},
        {"batch_id": 7},
        {"batch_id": Int64(2**31)},
        {"tail_number": "a\0𝄞"},
        {"event_time": EPOCH + timedelta(milliseconds=LAST_MS)},
        {"event_time": EPOCH + timedelta(milliseconds=-1)},
    ],
    ids=repr,
)
def test_what_a_column_can_carry_is_in_it(fits: Document) -> None:
    documents = [as_stored({"_id": "a", "event_id": "a"} | fits), as_stored({"_id": "b", "event_id": "b"})]
    batch = to_batch(documents, SCHEMA)
    assert batch.column(OTHER_FIELDS).null_count == 2
    check_same(documents, through_parquet(batch))


@pytest.mark.parametrize(
    "strange",
    [
        {"gate": {"$numberInt": "5"}},
        {"gate": {"$oid": "5" * 24}},
        {"gate": {"$oid": "not one"}},
        {"gate": [{"$date": "2013"}]},
        {"$oid": "5" * 24},
    ],
    ids=repr,
)
def test_names_of_extended_json_are_names_like_others(strange: Document) -> None:
    documents = [as_stored({"_id": "a", "event_id": "a"} | strange)]
    check_same(documents, through_parquet(to_batch(documents, SCHEMA)))


def test_an_id_of_another_type_than_the_event_id_is_kept() -> None:
    documents = [as_stored({"_id": Int64(5), "event_id": 5})]
    check_same(documents, through_parquet(to_batch(documents, SCHEMA)))


@given(st.dictionaries(names, values, min_size=1), st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_fields(document: Document, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shuffled(value[name]) for name in random.sample(list(value), len(value))}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    stored = as_stored(document)
    assert digest(shuffled(stored)) == digest(stored)
    assert 0 <= digest(stored) < 2**128


@given(ordinary | odd, st.data())
def test_the_digest_tells_every_change(document: Document, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(document)))
    changed = as_stored({**document, name: data.draw(values)})
    assert (digest(changed) == digest(document)) is (content(changed) == content(document))
    assert digest({n: v for n, v in document.items() if n != name}) != digest(document)
    assert digest({**document, f"{name}+": 1}) != digest(document)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, Int64(1)),
        (1, 1.0),
        (1, True),
        (0, None),
        (0.0, -0.0),
        (1, "1"),
        ("", b""),
        ([], {}),
        (["a", "b"], ["b", "a"]),
        ({"x": 1}, {"x": Int64(1)}),
        (Decimal128("1.0"), Decimal128("1.00")),
        (EPOCH, 0),
        (EPOCH, EPOCH + timedelta(milliseconds=1)),
        (float("nan"), None),
    ],
    ids=repr,
)
def test_the_digest_tells_types_apart(one: Any, other: Any) -> None:
    assert digest(as_stored({"a": one})) != digest(as_stored({"a": other}))


def test_the_table_has_a_column_for_each_field_of_the_hot_tier() -> None:
    contract = [field.name for field in CONTRACT.fields()]
    hot = {*contract, *outputs.DERIVED, *outputs.QUALITY, *PROCESSING, *outputs.SCORES}
    assert hot == set(COLUMNS)
    weather = SCHEMA.field("weather").type
    assert [f.name.removeprefix("weather.") for f in CONTRACT.nested_fields("weather")] == [
        weather.field(i).name for i in range(weather.num_fields)
    ]


def test_its_types_are_those_of_the_contract() -> None:
    kinds = {f.name: f.type for f in CONTRACT.fields() if f.type != STRUCT} | outputs.SCORES
    assert {name: SCHEMA.field(name).type for name in kinds} == {name: ARROW[kind] for name, kind in kinds.items()}


def test_no_documents() -> None:
    assert through_parquet(to_batch([], SCHEMA)) == []

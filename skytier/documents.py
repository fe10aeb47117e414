"""Documents of the hot tier and rows of Arrow, converted exactly both ways.

A row has a column for each field that the archive's table declares. What a column cannot carry exactly (a field that
the table does not know, a value of another type, a null that was written) goes into ``other_fields``, as canonical
extended JSON, so that the document can be rebuilt as it was.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import bson
import pyarrow as pa
from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.int64 import Int64

from skytier.hot_tier import Document

OTHER_FIELDS = "other_fields"
_KEY, _KEY_COLUMN = "_id", "event_id"
_LEAST_INT32, _MOST_INT32 = -(2**31), 2**31 - 1
_BSON = "bson:"  # no JSON object begins so
_DECODING: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_EXACT = json_util.CANONICAL_JSON_OPTIONS.with_options(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def to_batch(documents: Sequence[Document], schema: pa.Schema) -> pa.RecordBatch:
    """The documents as rows of ``schema``, which has ``event_id`` and ``other_fields`` among its columns.

    Documents are as PyMongo decodes them, times naive in UTC. ``_id`` is ``event_id`` and takes no column of its own.
    """
    others: list[Document] = [{} for _ in documents]
    columns = [_column(documents, field, others) for field in schema if field.name != OTHER_FIELDS]
    _keep_unknown(documents, {field.name for field in schema} - {OTHER_FIELDS}, others)
    texts = [_text(other) if other else None for other in others]
    columns.insert(schema.get_field_index(OTHER_FIELDS), pa.array(texts, pa.string()))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def to_documents(batch: pa.RecordBatch) -> list[Document]:
    """The rows as documents, without what is null; ``other_fields`` and ``_id`` as they were. Times are naive UTC."""
    documents = _rows(batch.schema.names, batch.columns)
    for document in documents:
        if (text := document.pop(OTHER_FIELDS, None)) is not None:
            document |= _of_text(text)
        if _KEY_COLUMN in document:
            document.setdefault(_KEY, document[_KEY_COLUMN])
    return documents


def _text(other: Document) -> str:
    """The fields as extended JSON; as BSON where that would not give them back, as with names that begin with $."""
    text: str = json_util.dumps(other, json_options=_EXACT)
    content = bson.encode(other)
    try:
        is_exact = bson.encode(json_util.loads(text, json_options=_EXACT)) == content
    except (ValueError, TypeError, bson.errors.BSONError):
        is_exact = False
    return text if is_exact else _BSON + base64.b64encode(content).decode()


def _of_text(text: str) -> Document:
    if text.startswith(_BSON):
        return bson.decode(base64.b64decode(text.removeprefix(_BSON)), _DECODING)
    found: Document = json_util.loads(text, json_options=_EXACT)
    return found


def _column(documents: Sequence[Document], field: pa.Field, others: list[Document]) -> pa.Array:
    """One field of all documents; a value that the column cannot carry exactly moves to ``others``."""
    values = [document.get(field.name) for document in documents]
    if not _all_fit(values, field.type):
        for index, value in enumerate(values):
            if value is not None and not _all_fit([value], field.type):
                others[index][field.name], values[index] = value, None
    return pa.array(values, field.type)


def _all_fit(values: Sequence[Any], kind: pa.DataType) -> bool:
    """Whether a column of this type gives every value back with its BSON type; None stands for no value."""
    types = set(map(type, values)) - {type(None)}
    if pa.types.is_struct(kind):
        return types <= {dict} and _all_structs_fit([value for value in values if value is not None], kind)
    if pa.types.is_list(kind):
        items = [item for value in values if value for item in value] if types <= {list} else [None]
        return None not in items and _all_fit(items, kind.value_type)
    if pa.types.is_int64(kind):
        # PyMongo writes an int in as few bytes as it needs: an Int64 that would fit into 32 bits was made on purpose.
        return types <= {int, Int64} and not any(type(v) is Int64 and _LEAST_INT32 <= v <= _MOST_INT32 for v in values)
    return types <= {_python_type(kind)}


def _all_structs_fit(values: Sequence[Document], kind: pa.DataType) -> bool:
    names = [kind.field(index).name for index in range(kind.num_fields)]
    fields = [[value.get(name) for value in values] for name in names]
    known = sum(item is not None for column in fields for item in column)
    return known == sum(map(len, values)) and all(
        _all_fit(column, kind.field(name).type) for name, column in zip(names, fields, strict=True)
    )


def _python_type(kind: pa.DataType) -> type:
    if pa.types.is_timestamp(kind):
        return datetime
    known = {pa.string(): str, pa.int32(): int, pa.float64(): float, pa.bool_(): bool}
    return known[kind]


def _keep_unknown(documents: Sequence[Document], known: set[str], others: list[Document]) -> None:
    """Move fields without a column, and nulls that were written, to ``others``."""
    for document, other in zip(documents, others, strict=True):
        other |= {name: document[name] for name in document.keys() - known}
        key, column = other.get(_KEY), document.get(_KEY_COLUMN)
        if key == column and type(key) is type(column):
            other.pop(_KEY, None)
        if None in document.values():
            other |= {name: None for name, value in document.items() if value is None}


def _rows(names: Sequence[str], columns: Sequence[pa.Array]) -> list[Document]:
    values = zip(*(_values(column) for column in columns), strict=True)
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in values]


def _values(column: pa.Array) -> list[Any]:
    """The column as Python values, null as None; by way of NumPy, as Arrow makes them one by one."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return list(column.to_numpy(zero_copy_only=False).astype("datetime64[ms]").tolist())
    if pa.types.is_struct(kind):
        nested = _rows([kind.field(i).name for i in range(kind.num_fields)], column.flatten())
        return [row if is_there else None for row, is_there in zip(nested, column.is_valid().to_pylist(), strict=True)]
    if pa.types.is_list(kind) or (column.null_count and not pa.types.is_string(kind)):
        return list(column.to_pylist())
    return list(column.to_numpy(zero_copy_only=False).tolist())

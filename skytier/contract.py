"""Event contracts: one pydantic model of an event, and the forms derived from it: fields, JSON schema, Spark schema.

Contracts lie in ``events``, one a file. A field of a nested model is named ``<struct>.<field>``; a value of it that is
beyond its limits is dropped, and the event kept.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from skytier import number_text

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

STRUCT = "struct"
REPAIRED_LENGTH = number_text.MAX_LENGTH
"""Characters of a text that is accepted beside the published form of a field."""
_DOCUMENTATION_KEYS = {"description", "title", "$comment"}


@dataclass(frozen=True)
class EventField:
    """One field of a contract; ``type`` as SQL names it, the name of a nested field is ``<struct>.<name>``."""

    name: str
    type: str
    nullable: bool
    description: str
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    excludes_minimum: bool = False
    pattern: str | None = None
    max_length: int | None = None
    repairs: str | None = None
    """The pattern of texts that are accepted beside the published form, for the repair of it."""
    values: tuple[str, ...] = ()

    def valid_range(self) -> str:
        """The limits of a number in words, as in "> 0, ≤ 12500"; empty where it has none."""
        if self.minimum is None:
            return ""
        lower = f"{'>' if self.excludes_minimum else '≥'} {self.minimum:g}"
        return lower if self.maximum is None else f"{lower}, ≤ {self.maximum:g}"


@dataclass(frozen=True)
class Contract:
    """What events of one kind look like. A change of what ``model`` demands of data raises ``version``."""

    name: str
    version: int
    model: type[BaseModel]
    repairs_values: bool = True
    """whether texts are accepted beside the published form of a field, and repaired"""

    def fields(self) -> tuple[EventField, ...]:
        """The fields of an event in their order; a nested model is one of them, of type ``struct``."""
        fields = _fields(self.model)
        return fields if self.repairs_values else tuple(replace(field, repairs=None) for field in fields)

    def nested_fields(self, struct: str) -> tuple[EventField, ...]:
        """The fields of a nested model, named ``<struct>.<name>``. Raises KeyError where there is no such one."""
        return _nested_fields(self.model, struct)

    def structs(self) -> tuple[str, ...]:
        """The names of the fields that are nested models."""
        return tuple(f.name for f in self.fields() if f.type == STRUCT)

    def field_count(self) -> int:
        """How many fields there are, with those of nested models."""
        return len(self.fields()) + sum(len(self.nested_fields(struct)) for struct in self.structs())

    def json_schema(self) -> dict[str, Any]:
        """The contract as JSON schema (draft 2020-12): what is accepted, the published form of a field first."""
        schema = self.model.model_json_schema()
        schema["properties"] = {f.name: _accepted(schema["properties"][f.name], f) for f in self.fields()}
        for struct in self.structs():
            nested = schema["$defs"][_definition(schema, struct)]
            nested["properties"] = {
                name: _accepted(nested["properties"][name], f)
                for f in self.nested_fields(struct)
                for name in [f.name.removeprefix(f"{struct}.")]
            }
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": self.name} | schema

    def fingerprint(self) -> str:
        """SHA-256 of what the contract demands of data; a better description is no change."""
        canonical = json.dumps(_demands(self.json_schema()), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def spark_schema(self) -> StructType:
        """The contract as a Spark schema; required fields are not nullable."""
        from pyspark.sql.types import StructField, StructType  # only jobs pay for importing Spark

        structs = {
            struct: StructType(
                [
                    StructField(f.name.removeprefix(f"{struct}."), _spark_type(f.type))
                    for f in self.nested_fields(struct)
                ]
            )
            for struct in self.structs()
        }
        return StructType(
            [StructField(f.name, structs.get(f.name) or _spark_type(f.type), f.nullable) for f in self.fields()]
        )


@functools.cache
def _fields(model: type[BaseModel]) -> tuple[EventField, ...]:
    return _fields_of(model.model_json_schema(), "")


@functools.cache
def _nested_fields(model: type[BaseModel], struct: str) -> tuple[EventField, ...]:
    schema = model.model_json_schema()
    return _fields_of(schema | schema["$defs"][_definition(schema, struct)], f"{struct}.")


def _definition(schema: dict[str, Any], struct: str) -> str:
    """The name of a nested model's definition in the schema."""
    variants = schema["properties"][struct].get("anyOf", [schema["properties"][struct]])
    (reference,) = [kind["$ref"] for kind in variants if "$ref" in kind]
    return str(reference).removeprefix("#/$defs/")


def _spark_type(name: str) -> DataType:
    from pyspark.sql import types

    return {
        "string": types.StringType(),
        "int": types.IntegerType(),
        "double": types.DoubleType(),
        "boolean": types.BooleanType(),
        "timestamp": types.TimestampType(),
        "array<string>": types.ArrayType(types.StringType()),
        "array<int>": types.ArrayType(types.IntegerType()),
    }[name]


def _fields_of(schema: dict[str, Any], prefix: str) -> tuple[EventField, ...]:
    required = schema.get("required", [])
    return tuple(
        _field(schema.get("$defs", {}), prefix + name, prop, is_nullable=name not in required)
        for name, prop in schema["properties"].items()
    )


def _field(definitions: dict[str, Any], name: str, prop: dict[str, Any], *, is_nullable: bool) -> EventField:
    variants = [v for v in prop.get("anyOf", [prop]) if v.get("type") != "null"]
    kind: dict[str, Any] = variants[0]
    if reference := kind.get("$ref"):
        kind = definitions[reference.removeprefix("#/$defs/")]
    minimum, above = kind.get("minimum"), kind.get("exclusiveMinimum")
    return EventField(
        name=name,
        type=_sql_type(kind),
        nullable=is_nullable,
        description=prop["description"],
        unit=kind.get("unit"),
        minimum=minimum if above is None else above,
        maximum=kind.get("maximum"),
        excludes_minimum=above is not None,
        pattern=kind.get("pattern"),
        max_length=kind.get("maxLength"),
        repairs=_repairs(name, kind, is_nullable=is_nullable),
        values=tuple(kind.get("enum", ())),
    )


def _repairs(name: str, kind: dict[str, Any], *, is_nullable: bool) -> str | None:
    """The pattern of what is accepted beside the published form of a field."""
    if kind["type"] in ("integer", "number"):
        if "." in name:
            return number_text.NUMBER
        return number_text.pattern(
            kind["minimum"] if "minimum" in kind else kind["exclusiveMinimum"],
            kind["maximum"],
            excludes_minimum="exclusiveMinimum" in kind,
            is_integer=kind["type"] == "integer",
        )
    blank = rf"^ *{number_text.END}" if is_nullable and kind["type"] == "string" else None
    known: str | None = kind.get("repairs")
    return f"{blank}|{known}" if blank and known else known or blank


def _accepted(prop: dict[str, Any], field: EventField) -> dict[str, Any]:
    """What the JSON schema says of a field: its published form, and what is repaired."""
    variants = [{k: v for k, v in kind.items() if k != "repairs"} for kind in prop.get("anyOf", [prop])]
    about: dict[str, Any] = {k: prop[k] for k in ("description", "title", "default") if k in prop}
    variants = [{k: v for k, v in kind.items() if k not in about} for kind in variants]
    if "." in field.name:
        # A value beyond its limits is dropped and flagged; it does not cost the event.
        variants[0] = {k: v for k, v in variants[0].items() if k not in ("minimum", "maximum")}
        about["plausible"] = [field.minimum, field.maximum]
    if field.repairs:
        text = {"type": "string", "pattern": field.repairs, "maxLength": REPAIRED_LENGTH, "$comment": _comment(field)}
        variants.insert(1, text)
    return about | (variants[0] if len(variants) == 1 else {"anyOf": variants})


def _comment(field: EventField) -> str:
    if field.type in ("int", "double"):
        return "the number as text"
    if field.pattern and field.type == "string":
        return "repaired: blanks around removed, in capitals" + ("; blank: null" if field.nullable else "")
    return "blank: null"


def _sql_type(kind: dict[str, Any]) -> str:
    if kind.get("format") == "date-time":
        return "timestamp"
    if kind["type"] == "array":
        return f"array<{_sql_type(kind['items'])}>"
    scalars = {"string": "string", "integer": "int", "number": "double", "boolean": "boolean", "object": STRUCT}
    return scalars[kind["type"]]


def _demands(schema: Any) -> Any:
    """The schema without titles and descriptions (of the schema: a field may well be called ``title``)."""
    if isinstance(schema, list):
        return [_demands(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: v for k, v in schema.items() if not (k in _DOCUMENTATION_KEYS and isinstance(v, str))}
    return {k: _demands(v) for k, v in kept.items()}

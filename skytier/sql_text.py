"""Values of a query's result as text: exact for programs, readable for people."""

from __future__ import annotations

import base64
import math
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from skytier import terminal
from skytier.nested import NESTED
from skytier.sql import Result


def exact(value: Any) -> str:
    """A value as programs read it: every digit, ISO 8601, base64 of bytes, nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, float):
        return _special(value) or repr(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _plain(value)


def readable(value: Any) -> str:
    """A value as people read it: floats to ten digits, bytes as the text that they are where they are one."""
    if isinstance(value, float):
        return _special(value) or f"{value:.10g}"
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else exact(value)


def json_text(result: Result) -> str:
    """The rows as a JSON array of objects.

    Decimals are numbers with all of their digits; what JSON has no number for is "NaN", "Infinity" or "-Infinity", as
    Spark writes it; bytes are base64. The second of two columns of a name is ``name_2``.
    """
    nested = [kind in NESTED for kind in result.types]
    names = result.unique_names()
    rows = [
        {name: _of_json(value, is_nested) for name, value, is_nested in zip(names, row, nested, strict=True)}
        for row in result.rows
    ]
    text = orjson.dumps(rows, default=_fragment, option=orjson.OPT_INDENT_2).decode()
    return terminal.visible_json(text) + "\n"


def _of_json(value: Any, is_nested: bool) -> Any:
    if is_nested and isinstance(value, str) and _is_json(value):
        return orjson.Fragment(value)
    if isinstance(value, float):
        return _special(value) or value
    return exact(value) if isinstance(value, datetime | bytes) else value


def _fragment(value: Any) -> Any:
    return orjson.Fragment(f"{value:f}") if isinstance(value, Decimal) else str(value)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _special(value: float) -> str | None:
    if math.isfinite(value):
        return None
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"


def _plain(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

"""Records near the event contract: valid events, changed by field, type, size and structure; and the schema's word."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from docs.generate import DOCS
from events.flight import CONTRACT
from tests.events import ARRIVED, DEPARTED, SCHEDULED

TIMES = [f.name for f in CONTRACT.fields() if f.type == "timestamp"]
NUMBERS = [f.name for f in CONTRACT.fields() if f.type in ("int", "double")]
TEXTS = [f.name for f in CONTRACT.fields() if f.type == "string"]
WEATHER = [f.name.removeprefix("weather.") for f in CONTRACT.nested_fields("weather")]
# What JSON can write and Python's encoder cannot.
RAW = [
    *("1e400", "-1e400", "1e2", "1.8E2", "180.0", "-0", "-0.0", "1" * 40, "0.5", "1.50000000000000000000000001"),
    *("01", "+1", ".5", "5.", "NaN", "-Infinity", "0x10", "1_0", "tru", "'x'", '"\\ud800"', '"\\u0000"', '"a\tb"'),
    *('{"a":1,"a":2}', '"\\q"', "[[[]]]", "1 /* x */", "1,", "", '"x" "y"', '"}{"', '"\\u0055A"', '"]"'),
]
ODD_VALUES = [None, True, False, 0, 1, -1, 180, 2880, 2881, 9999, 10_000, 2**31, 2**63, 12_500.0, 12_500.0001, 1e308]
ODD_TEXTS = [
    *("", " ", "\t", "x", "ua", " UA ", "UA\n", "\u00df", "\ufb01l", "\u212a", "\u0661\u0662", "N1 2", "n-1", "Z" * 11),
    *("a" * 64, "a" * 65, "Replay", "true", "1545", "0015", " 12 ", "1e3", "1.5", "NaN", "Infinity", "0x1p3", "5d"),
    *("-240.0", "-240.5", "2880.00", "2880.01", "12500.000", "+7", "-0", "DEPARTED", "departed ", "\u0000", " " * 33),
]
ODD_TIMES = [
    *("2013-01-01T10:17:00.123456789Z", "2013-01-01T10:17:00.1234567891Z", "2013-01-01T10:17:00+14:59"),
    *("2013-01-01T10:17:00+15:00", "2013-01-01T10:17:00-00:00", "2013-01-01 10:17:00Z", "2013-01-01T10:17Z"),
    *("2013-01-01T10:17:00", "2013-01-01", "15:17:00.000000Z", "T12:00", "2013", "2013-1-1 1:1", "1357000000"),
    *("\t2013-01-01T10:17:00Z", "2013-01-01T10:17:00Z ", "2013-02-30T10:17:00Z", "2012-02-29T10:17:00Z"),
    *("2013-01-01T24:00:00Z", "2013-01-01T10:60:00Z", "2013-12-31T23:59:60Z", "2013-01-01t10:17:00z"),
    *("9999-12-31T23:59:59Z", "0000-12-31T23:59:59-05:00", "10000-01-01T00:00:00Z", "1600-01-01T00:00:00Z"),
    *("1969-12-31T23:59:59Z", "1970-01-01T00:00:00+14:00", "2261-12-31T23:59:59-14:59", "2262-01-01T00:00:00Z"),
    *("2013-01-01T10:17:00 Europe/Berlin", "2013-01-01T10:17:00UTC", "+2013-1-01T10:17:00Z", "2013-01-01T10:17:5.Z"),
    *("2013-01-01T10:17:00\u0085Z", "epoch", "now", "2013-01-01T10:17:00Z\n", "", "  "),
]


def schema_accepts(value: bytes) -> bool:
    """What the published schema says of a record, read by a strict parser."""
    try:
        document = json.loads(value.decode(), parse_constant=_refuse)
    except ValueError:
        return False
    return isinstance(document, dict) and VALIDATOR.is_valid(document)


def _refuse(token: str) -> float:
    raise ValueError(f"{token} is not JSON")


def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value) is not None


CHECKER = FormatChecker(formats=())
CHECKER.checks("date-time", raises=(ValueError, OverflowError))(_is_time)
SCHEMA = json.loads((DOCS / "flight_event.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=CHECKER)


def raw(place: int) -> str:
    """A mark in the place of a token of RAW."""
    return f"@raw{place}@"


def _any_value(rng: random.Random) -> Any:
    text = rng.choice(ODD_TEXTS + ODD_TIMES)
    return rng.choice(
        [rng.choice(ODD_VALUES), text, raw(rng.randrange(len(RAW))), [text], {"a": text}, [], {}, "x" * 5_000]
    )


def mutated(rng: random.Random, events: Sequence[dict[str, Any]] = (DEPARTED, ARRIVED, SCHEDULED)) -> bytes:
    """A valid event with up to three changes, as bytes."""
    event = dict(rng.choice(events))
    changes: list[Callable[[], Any]] = [
        lambda: event.update({rng.choice(TIMES): rng.choice(ODD_TIMES)}),
        lambda: event.update({rng.choice(NUMBERS): rng.choice([*ODD_VALUES, *ODD_TEXTS, rng.uniform(-300, 13_000)])}),
        lambda: event.update({rng.choice(TEXTS): rng.choice(ODD_TEXTS)}),
        lambda: event.update({rng.choice([*event]): _any_value(rng)}),
        lambda: event.update({"tail_number": rng.choice([*ODD_TEXTS, 12, True])}),
        lambda: event.pop(rng.choice([*event])),
        lambda: event.update({"x": _any_value(rng)}),
        lambda: (
            event.update({"weather": (event.get("weather") or {}) | {rng.choice(WEATHER): _any_value(rng)}})
            if isinstance(event.get("weather"), dict)
            else None
        ),
    ]
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        rng.choice(changes)()
    return _wrapped(rng, with_raw_tokens(json.dumps(event, ensure_ascii=rng.random() < 0.5)))


def with_raw_tokens(text: str) -> str:
    """The JSON with its ``raw`` marks replaced by what they stand for."""
    for place, token in enumerate(RAW):
        text = text.replace(json.dumps(raw(place)), token)
    return text


def _wrapped(rng: random.Random, text: str) -> bytes:
    if rng.random() < 0.8:
        return text.encode(errors="surrogatepass")
    other = json.dumps(DEPARTED)
    ends = [" ", "\n", "\v", "}", "]", "]}", ",", f",{other}", other, " " + other, "//x", "]," + other, ',"a":1}', "\0"]
    odd = [text + rng.choice(ends), "\ufeff" + text, "[" + text + "]", text[:-1], text[1:], text + '],"all":[' + other]
    return rng.choice(odd).encode(errors="surrogatepass")

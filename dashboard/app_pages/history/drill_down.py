"""Historical Analytics: the drill-down from airlines to single flights."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.app_pages.history import text
from dashboard.app_pages.history.measures import MEASURES, by_code
from dashboard.app_pages.history.queries import ALL_NUMBERS, LATEST_FLIGHTS, STEPS
from dashboard.panels import formats
from dashboard.panels.drawings import Grid
from dashboard.panels.text import EVENT_TYPES, column
from skytier import reference

_STEP = (r"[A-Z0-9]{2}", r"[A-Z]{3}", r"[A-Z]{3}", rf"[0-9]{{1,4}}|{ALL_NUMBERS}")
_SEPARATOR = "-"
_PARAMETER = "place"  # of the address
_PRESSED = "history-pressed"  # the key of the button column, under which Streamlit keeps the selected row
_SHOWN = {
    "delayed_pct": text.DELAYED,
    "mean_departure_delay_minutes": text.DEPARTURE,
    "mean_arrival_delay_minutes": text.ARRIVAL,
    "cancelled_pct": text.CANCELLED,
}


def path() -> tuple[str, ...]:
    """The path of the drill-down, from the address."""
    return path_of(st.query_params.get(_PARAMETER, ""))


def go(to: Sequence[str]) -> None:
    """Go to a path: write it to the address."""
    st.query_params[_PARAMETER] = place_of(to)


def path_of(place: str) -> tuple[str, ...]:
    """The path in an address, for example UA-EWR-IAH-1545, up to the first invalid step."""
    found: list[str] = []
    for code, pattern in zip(place.split(_SEPARATOR), _STEP, strict=False):
        if not re.fullmatch(pattern, code):
            break
        found.append(code)
    return tuple(found)


def place_of(path: Sequence[str]) -> str:
    return _SEPARATOR.join(path)


def crumb(path: Sequence[str]) -> str:
    """The label of the last step of a path."""
    if not path:
        return text.ROOT
    code = path[-1]
    if len(path) == 1:
        return name_of("airline", code)
    if len(path) == len(STEPS):
        return text.ALL_CRUMB if code == ALL_NUMBERS else text.NUMBER_CRUMB.format(path[0], code)
    return text.ORIGIN_CRUMB.format(code) if len(path) == 2 else text.DESTINATION_CRUMB.format(code)


def name_of(column: str, code: str) -> str:
    """A code with its name, if known."""
    name = _names(column).get(code)
    return f"{code} · {name}" if name else code


def _names(column: str) -> dict[str, str | None]:
    if column == "airline":
        return {airline.iata: airline.name for airline in reference.airlines()}
    return {airport.iata: airport.city for airport in reference.airports()}


def codes(frame: pd.DataFrame, path: Sequence[str]) -> pd.DataFrame:
    """A row for each child of a path: its ``code`` and the counts and sums of its flights, by flights descending."""
    column = STEPS[len(path)]
    if column == "flight_number":
        numbers = frame["flight_number"].map(lambda number: ALL_NUMBERS if pd.isna(number) else str(int(number)))
        rows = frame.assign(code=numbers, is_part=numbers != ALL_NUMBERS)
        return rows.sort_values(["is_part", "flights", "code"], ascending=[True, False, True], ignore_index=True)
    rows = frame[frame["part"] == "route"]
    for step, code in zip(STEPS, path, strict=False):
        rows = rows[rows[step] == code]
    return by_code(rows, column).rename(columns={column: "code"})


def below(frame: pd.DataFrame, path: Sequence[str]) -> Grid | str:
    """The children of a path; below the last step, its flights."""
    return flights(frame) if len(path) == len(STEPS) else steps(frame, path)


def steps(frame: pd.DataFrame, path: Sequence[str]) -> Grid | str:
    """The children of a path. Selecting a name goes down to it."""
    found, step = codes(frame, path), STEPS[len(path)]
    if found.empty:
        return text.NOT_HERE
    shown = {column: MEASURES[name].of(found) for column, name in _SHOWN.items()}
    names = [_button(step, code) for code in found["code"]]
    rows = pd.DataFrame({"step": names, "flights": found["flights"], **shown, "diverted": found["diverted"]})
    press = st.column_config.ButtonColumn(
        text.STEPS[len(path)],
        type="secondary",  # with a border: a name can be opened
        alignment="left",
        on_click=_press,
        args=(path, found["code"].tolist()),
        key=_PRESSED,
        pinned=True,
    )
    config = formats.grid(rows) | {
        "step": press,
        "flights": st.column_config.NumberColumn(column("flights"), format="localized"),
    }
    return Grid(rows, config, says=_steps_says(found, path))


def _press(path: Sequence[str], codes: Sequence[str]) -> None:
    go((*path, codes[st.session_state[_PRESSED].row]))


def _button(column: str, code: str) -> str:
    if column != "flight_number":
        return name_of(column, code)
    return text.ALL_OF_ROUTE if code == ALL_NUMBERS else code


def _steps_says(found: pd.DataFrame, path: Sequence[str]) -> str:
    parts = found[found["code"] != ALL_NUMBERS]
    delayed, cancelled = MEASURES[text.DELAYED], MEASURES[text.CANCELLED]
    return text.DRILL_SAYS.format(
        number=formats.count(len(parts)),
        kind=text.KINDS[len(path)],
        flights=formats.count(parts["flights"].sum()),
        delayed=delayed.said(delayed.overall(parts)),
        cancelled=cancelled.said(cancelled.overall(parts)),
    )


def flights(frame: pd.DataFrame) -> Grid:
    """The flights of a path."""
    rows = frame.assign(event_type=frame["event_type"].map(EVENT_TYPES))
    days = pd.to_datetime(frame["flight_date"])
    says = text.FLIGHTS_SAYS_CUT if len(frame) == LATEST_FLIGHTS else text.FLIGHTS_SAYS
    number = {"flight_number": st.column_config.NumberColumn(text.STEPS[-1], format="%d")}
    return Grid(
        rows,
        formats.grid(rows) | number,
        says=says.format(
            number=formats.count(len(frame)), first=f"{days.min():%Y-%m-%d}", last=f"{days.max():%Y-%m-%d}"
        ),
    )

"""Historical Analytics: from an airline down to its flights."""

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
_PLACE = "place"  # of the address
_PRESSED = "history-pressed"  # where Streamlit says which row's name was pressed
_SHOWN = {
    "delayed_pct": text.DELAYED,
    "mean_departure_delay_minutes": text.DEPARTURE,
    "mean_arrival_delay_minutes": text.ARRIVAL,
    "cancelled_pct": text.CANCELLED,
}


def path() -> tuple[str, ...]:
    """The place that the viewer looks at."""
    return path_of(st.query_params.get(_PLACE, ""))


def go(to: Sequence[str]) -> None:
    """Look at a place: the address carries it."""
    st.query_params[_PLACE] = place_of(to)


def path_of(place: str) -> tuple[str, ...]:
    """The place that an address carries, as in UA-EWR-IAH-1545; what does not belong there is left out."""
    found: list[str] = []
    for code, pattern in zip(place.split(_SEPARATOR), _STEP, strict=False):
        if not re.fullmatch(pattern, code):
            break
        found.append(code)
    return tuple(found)


def place_of(path: Sequence[str]) -> str:
    return _SEPARATOR.join(path)


def crumb(path: Sequence[str]) -> str:
    """What the last step of a path is called."""
    if not path:
        return text.ROOT
    code = path[-1]
    if len(path) == 1:
        return name_of("airline", code)
    if len(path) == len(STEPS):
        return text.ALL_CRUMB if code == ALL_NUMBERS else text.NUMBER_CRUMB.format(path[0], code)
    return text.ORIGIN_CRUMB.format(code) if len(path) == 2 else text.DESTINATION_CRUMB.format(code)


def name_of(column: str, code: str) -> str:
    """A code with its name, where that is known."""
    name = _names(column).get(code)
    return f"{code} · {name}" if name else code


def _names(column: str) -> dict[str, str | None]:
    if column == "airline":
        return {airline.iata: airline.name for airline in reference.airlines()}
    return {airport.iata: airport.city for airport in reference.airports()}


def codes(frame: pd.DataFrame, path: Sequence[str]) -> pd.DataFrame:
    """A row each step further down: its ``code``, the counts and sums of its flights, most flights first."""
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
    """What a place is made of, by the next step further down; below the last of them, its flights."""
    return flights(frame) if len(path) == len(STEPS) else steps(frame, path)


def steps(frame: pd.DataFrame, path: Sequence[str]) -> Grid | str:
    """What a place is made of. Pressing a name goes there."""
    found, step = codes(frame, path), STEPS[len(path)]
    if found.empty:
        return text.NOT_HERE
    shown = {column: MEASURES[name].of(found) for column, name in _SHOWN.items()}
    names = [_button(step, code) for code in found["code"]]
    rows = pd.DataFrame({"step": names, "flights": found["flights"], **shown, "diverted": found["diverted"]})
    press = st.column_config.ButtonColumn(
        text.STEPS[len(path)],
        type="tertiary",
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
    """The flights themselves."""
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

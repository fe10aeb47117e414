"""The filters of the sidebar. They apply to every page, and the address contains them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.panels import dimensions, text, tiers
from dashboard.panels.views import PAUSED
from skytier.errors import SkytierError
from skytier.hot_tier import Document
from skytier.warehouse import literal

_EARLIEST = date(1970, 1, 1)


@dataclass(frozen=True)
class Filters:
    """Airlines and origins by code, an empty tuple meaning all; flight dates, local at the origin, both inclusive."""

    airlines: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    def where(self, *conditions: str) -> str:
        """The filters and further conditions as a WHERE clause of Spark SQL; empty without any."""
        found = list(conditions)
        for column, codes in (("airline", self.airlines), ("origin", self.origins)):
            if codes:
                found.append(f"{column} IN ({', '.join(map(literal, codes))})")
        if self.first:
            found.append(f"flight_date >= {literal(self.first)}")
        if self.last:
            found.append(f"flight_date <= {literal(self.last)}")
        return f"WHERE {' AND '.join(found)}" if found else ""

    def match(self, **conditions: object) -> Document:
        """The filters and further conditions as a MongoDB filter."""
        found: Document = dict(conditions)
        if self.airlines:
            found["airline"] = {"$in": list(self.airlines)}
        if self.origins:
            found["origin"] = {"$in": list(self.origins)}
        dates = {"$gte": self.first, "$lte": self.last}
        if span := {operator: day.isoformat() for operator, day in dates.items() if day}:
            found["flight_date"] = span
        return found


def sidebar(refresh_seconds: float, *, has_filters: bool) -> Filters:
    """Show the filters and return their values; on a page where they do not act they keep them for the others."""
    with st.sidebar:
        chosen = _filters() if has_filters else Filters()
        st.toggle(text.PAUSE, key=PAUSED, help=text.PAUSE_HELP.format(refresh_seconds))
    return chosen


def _filters() -> Filters:
    st.markdown(f"**{text.FILTERS}**")
    names = codes()
    airlines = _choice(text.AIRLINES, "airline", names.get("airline", {}))
    origins = _choice(text.ORIGINS, "origin", names.get("origin", {}))
    place, newest = st.container(gap="small"), newest_day(names)  # one below the other: beside it the year was cut off
    first, last = day(place, text.FIRST_DAY, "from", newest), day(place, text.LAST_DAY, "to", newest)
    if first and last and first > last:
        st.warning(text.DAYS_REVERSED.format(first, last), icon=":material/event_busy:")
    return Filters(airlines, origins, first, last)


def _choice(label: str, key: str, names: dict[str, str]) -> tuple[str, ...]:
    """Choose codes by name. The address contains the codes: bound by Streamlit, it would contain the names."""
    linked = tuple(st.query_params.get_all(key))
    if not names:
        return linked
    if key not in st.session_state:
        st.session_state[key] = [code for code in linked if code in names]
    chosen = st.multiselect(
        label,
        sorted(names),
        key=key,
        format_func=lambda code: f"{code} · {names.get(code, code)}",
        placeholder=text.ALL,
        # Enter chooses what contains the typed text, by default also what only contains its letters in this order.
        filter_mode="contains",
        select_all=False,
        persist_state="session",
    )
    if tuple(chosen) != linked:
        st.query_params[key] = chosen
    return tuple(chosen)


def codes() -> dict[str, dict[str, str]]:
    """All codes with their names, by kind; none where the SQL endpoint does not answer."""
    try:
        rows = tiers.fetch(dimensions.codes()).table.to_pylist()
    except SkytierError:
        st.caption(text.NO_FILTERS)
        return {}
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row["code"] is not None:  # without events there are no days
            found.setdefault(row["kind"], {})[row["code"]] = row["name"] or row["code"]
    return found


def newest_day(names: dict[str, dict[str, str]]) -> date | None:
    """The day of the newest event, from ``codes``; None where it is unknown."""
    return max((date.fromisoformat(last) for last in names.get(dimensions.DAYS, {}).values()), default=None)


def day(place: DeltaGenerator, label: str, key: str, newest: date | None) -> date | None:
    """Show a date input, which the address contains, and return its value. Its calendar opens at the newest day."""
    # Without a minimum Streamlit accepts no day that is more than ten years ago.
    latest = max((day for day in (newest, st.session_state.get(key), _linked_day(key)) if day), default=None)
    if newest is None:
        latest = None
    return place.date_input(label, None, _EARLIEST, latest, key=key, bind="query-params", persist_state="session")


def _linked_day(key: str) -> date | None:
    """The day in the address: one after the newest is shown as it is, with nothing found."""
    try:
        return date.fromisoformat(st.query_params.get(key, ""))
    except ValueError:
        return None

"""The views of a page, and which of its panels the viewer has on screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

from dashboard.panels import live, tiers

PAUSED = "refresh_paused"
"""The key in the session state of whether the viewer paused the refresh"""
_PAGE, _ON_SCREEN, _DRAWN, _OPENED = "page", "panels_on_screen", "panels_drawn", "views_opened"


@contextmanager
def page_run(page: str, refresh_seconds: float) -> Iterator[None]:
    """Wrap a run of a page. New panels begin as a skeleton; the others keep their content until it is replaced."""
    is_other_page = st.session_state.get(_PAGE) != page
    if is_other_page:
        st.session_state[_PAGE], st.session_state[_ON_SCREEN] = page, set()
    live.begin(refresh_seconds, tiers.cache(), tiers.TAGS, is_other_page=is_other_page)
    st.session_state[_DRAWN] = set()
    yield
    # A run that is interrupted does not get here: the panels that it did not draw are still on the screen.
    st.session_state[_ON_SCREEN] = st.session_state[_DRAWN]


def is_new(key: str) -> bool:
    """Whether the viewer does not have this panel on screen yet. Marks it as drawn."""
    new = key not in st.session_state[_ON_SCREEN]
    st.session_state[_ON_SCREEN].add(key)
    st.session_state[_DRAWN].add(key)
    return new


def views(key: str, contents: Mapping[str, Callable[[], None]]) -> None:
    """Show groups of panels as tabs. Only the panels of the open tab are queried, drawn and sent.

    The address contains the name of the open tab, under ``key``; the tab stays open while the viewer is on other pages.
    """
    opened: dict[str, str] = st.session_state.setdefault(_OPENED, {})
    if key in opened and key not in st.session_state and key not in st.query_params:
        st.session_state[key] = opened[key]
    tabs = st.tabs(list(contents), key=key, bind="query-params")
    opened[key] = st.session_state[key]
    for tab, content in zip(tabs, contents.values(), strict=True):
        if tab.open:
            with tab:
                content()

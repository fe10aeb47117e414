"""What the dashboard runs for each viewer and each page; ``dashboard/server.py`` serves it.

The settings are read here once a run and passed on. What runs by itself later (a button's callback, the refresh of a
panel) reads them again: another operator's token, for example, applies at once.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import access
from dashboard.app_pages import PAGES
from dashboard.panels import filters, text
from dashboard.panels.views import PAUSED, page_run
from dashboard.status_bar import status_bar
from skytier.settings.dashboard import DashboardSettings

STATIC = Path(__file__).parent / "static"

settings = DashboardSettings()
st.set_page_config(page_title=text.PRODUCT, page_icon=str(STATIC / "icon.svg"), layout="wide")
st.html(STATIC / "page.css")
pages = [st.Page(f"app_pages/{p.path}/page.py", title=p.title, icon=p.icon, url_path=p.path) for p in PAGES]
user = access.signed_in(settings)
page = st.navigation(pages, position="sidebar" if user else "hidden")
access.require(user, settings)
has_filters = all(p.has_filters for p in PAGES if p.title == page.title)
st.session_state["filters"] = filters.sidebar(settings.refresh_seconds, has_filters=has_filters)
top = st.container(key="status-bar")
st.header(page.title)
with page_run(page.url_path, settings.refresh_seconds):
    with top:
        status_bar(is_paused=bool(st.session_state.get(PAUSED)))
    page.run()

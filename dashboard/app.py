"""What the dashboard runs for each viewer and each page; ``dashboard/server.py`` serves it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import access, filters, panels, text

STATIC = Path(__file__).parent / "static"

st.set_page_config(page_title=text.PRODUCT, page_icon=str(STATIC / "icon.svg"), layout="wide")
st.html(STATIC / "page.css")
pages = [st.Page(f"app_pages/{p.file}.py", title=p.title, icon=p.icon, url_path=p.path) for p in text.PAGES]
who = access.known()
page = st.navigation(pages, position="sidebar" if who else "hidden")
access.require(who)
st.session_state["filters"] = filters.sidebar()
st.header(page.title)
with panels.shown_on(page.url_path):
    page.run()

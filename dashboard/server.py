"""The dashboard's server: ``uvicorn dashboard.server:app``, which 'make up' runs.

Not ``streamlit run``: that binds the port itself, in a way that leaves Nagle's algorithm on. What the server sends then
waits 40 ms for the browser to confirm what it sent before (https://github.com/Kludex/uvicorn/issues/3149).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

app = st.App(Path(__file__).with_name("app.py"))

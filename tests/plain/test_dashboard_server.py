"""What the dashboard's server adds to Streamlit's."""

from __future__ import annotations

import tomllib

import plotly.io
import pytest

from dashboard import server
from skytier.settings import PROJECT_ROOT

pytestmark = pytest.mark.plain


def test_a_page_knows_its_server_before_its_scripts_run() -> None:
    page = server.page()
    assert 0 < page.find("BACKEND_BASE_URL") < page.index('type="module"')


def test_the_theme_has_as_many_colours_as_streamlit_asks_for() -> None:
    theme = tomllib.loads((PROJECT_ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())["theme"]
    streamlits = plotly.io.templates["streamlit"]  # Streamlit registers it when it is imported
    assert len(theme["chartCategoricalColors"]) == len(streamlits.layout.colorway)

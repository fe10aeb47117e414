"""What the dashboard's server adds to Streamlit's."""

from __future__ import annotations

import tomllib
from pathlib import Path

import plotly.io
import pytest
import streamlit as st

from dashboard import server
from local_stack.dashboard import Dashboard
from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain


def test_a_page_knows_its_server_before_its_scripts_run() -> None:
    page = server.index_html()
    assert 0 < page.find("BACKEND_BASE_URL") < page.index('type="module"')


def test_streamlits_scripts_read_what_the_page_tells() -> None:
    """Streamlit has no option for it yet (docs/decisions/0014-libraries.md): its scripts may name it otherwise."""
    scripts = (Path(st.__file__).with_name("static") / "static" / "js").glob("*.js")
    texts = [path.read_text(encoding="utf-8") for path in scripts]
    assert [text for text in texts if "window.__streamlit" in text and "BACKEND_BASE_URL" in text]


def test_the_theme_has_as_many_colours_as_streamlit_asks_for() -> None:
    theme = tomllib.loads((PROJECT_ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())["theme"]
    streamlits = plotly.io.templates["streamlit"]  # Streamlit registers it when it is imported
    assert len(theme["chartCategoricalColors"]) == len(streamlits.layout.colorway)


@pytest.mark.parametrize(
    ("trusted", "options"), [("", ["--no-proxy-headers"]), ("192.0.2.1", ["--forwarded-allow-ips", "192.0.2.1"])]
)
def test_who_asks_is_told_by_the_connection_unless_a_proxy_is_trusted(
    monkeypatch: pytest.MonkeyPatch, trusted: str, options: list[str]
) -> None:
    """uvicorn takes the word of whoever connects from this machine else: an address for every try."""
    monkeypatch.setenv("SKYTIER_DASHBOARD_TRUSTED_PROXIES", trusted)
    assert Dashboard().command()[-len(options) :] == options


def test_streamlits_own_checks_are_on() -> None:
    settings = tomllib.loads((PROJECT_ROOT / "dashboard" / ".streamlit" / "config.toml").read_text())["server"]
    assert settings["enableCORS"]
    assert settings["enableXsrfProtection"]

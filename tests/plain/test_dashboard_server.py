"""What the dashboard's server adds to Streamlit's."""

from __future__ import annotations

import pytest

from dashboard import server

pytestmark = pytest.mark.plain


def test_a_page_knows_its_server_before_its_scripts_run() -> None:
    page = server.page()
    assert 0 < page.find("BACKEND_BASE_URL") < page.index('type="module"')

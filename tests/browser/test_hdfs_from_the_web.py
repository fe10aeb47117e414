"""A web page that a user of the stack happens to have open: what it can do to HDFS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from skytier.files import Files
from skytier.settings.base import HOST
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.ports import PortSettings
from tests.protected_file import FOLDER, assert_untouched

pytestmark = pytest.mark.browser

ATTACKS = """async ([files, folder, user]) => {
  const file = `${files}${folder}/protected`;
  const requests = [
    [`${files}/?op=LISTSTATUS&${user}`, {}],
    [`${file}?op=OPEN&${user}`, {}],
    [`${file}?op=TRUNCATE&newlength=0&${user}`, {method: "POST"}],
    [`${file}?op=TRUNCATE&newlength=0&${user}`, {method: "POST", mode: "no-cors"}],
    [`${files}${folder}/new?op=CREATE&${user}`, {method: "PUT", body: "x"}],
    [`${files}${folder}?op=DELETE&recursive=true&${user}`, {method: "DELETE"}],
    [`${files}/../../jmx`, {}],
  ];
  const told = [];
  for (const [url, options] of requests) {
    try {
      const answer = await fetch(url, options);
      told.push(answer.type === "opaque" ? "opaque" : answer.status);
    } catch (error) {
      told.push("blocked");
    }
  }
  const form = document.createElement("form");
  form.method = "POST";
  form.action = `${file}?op=TRUNCATE&newlength=0&${user}`;
  form.target = document.body.appendChild(Object.assign(document.createElement("iframe"), {name: "aside"})).name;
  document.body.appendChild(form).submit();
  return told;
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A page</title><body>")

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of a page of another origin."""
    with ThreadingHTTPServer((HOST, 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_address[1]}"
        server.shutdown()


def test_a_page_of_another_origin_reads_and_writes_nothing(
    protected: Files, context: BrowserContext, elsewhere: str
) -> None:
    for port in (PortSettings().namenode_http, PortSettings().datanode_http):
        page = context.new_page()
        page.goto(elsewhere)
        told = page.evaluate(ATTACKS, [f"http://{HOST}:{port}/webhdfs/v1", FOLDER, f"user.name={HdfsSettings().user}"])
        assert set(told) == {"blocked", "opaque"}
        page.wait_for_load_state("networkidle")
    assert_untouched(protected)


def test_a_name_bound_to_this_machine_opens_nothing(protected: Files, context: BrowserContext) -> None:
    """DNS rebinding: the page's own host is HDFS itself, and no rule between origins applies."""
    for port in (PortSettings().namenode_http, PortSettings().datanode_http):
        address = f"http://rebound.localhost:{port}"
        page = context.new_page()
        answer = page.goto(f"{address}/webhdfs/v1/?op=LISTSTATUS&user.name={HdfsSettings().user}")
        assert answer is not None
        assert answer.status == 403
        told = page.evaluate(ATTACKS, [f"{address}/webhdfs/v1", FOLDER, f"user.name={HdfsSettings().user}"])
        assert set(told) <= {403, "opaque"}
        page.wait_for_load_state("networkidle")
    assert_untouched(protected)

"""What somebody sees of the dashboard in a browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect, sync_playwright

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LOADED_MS = 60_000
# The words of numbers and charts that are cut off, and those at axes that lie on the title of one.
_SPOILED = """() => {
  const inside = (one, box) =>
    one.left > box.left - 1 && one.right < box.right + 1 && one.top > box.top - 1 && one.bottom < box.bottom + 1;
  const before = (one, other) => one.right < other.left + 1 || one.bottom < other.top + 1;
  const apart = (one, other) => before(one, other) || before(other, one);
  const spoiled = chart => {
    const words = query => [...chart.querySelectorAll(query)]
      .map(node => ({said: node.textContent, box: node.getBoundingClientRect()})).filter(word => word.box.width);
    const labels = words("[class*='tick'] text");
    const titles = words("[class*='xtitle'], [class*='ytitle'], [class*='2title']");
    const others = words(".legendtext, .cbtitle text");
    const cut = [...labels, ...titles, ...others].filter(word => !inside(word.box, chart.getBoundingClientRect()));
    const hidden = labels.filter(label => titles.some(title => !apart(label.box, title.box)));
    return [...cut, ...hidden].map(word => word.said);
  };
  const shortened = [...document.querySelectorAll('[data-testid=stMetric] *')].filter(node =>
    getComputedStyle(node).textOverflow === 'ellipsis' && node.scrollWidth > node.clientWidth);
  const charts = [...document.querySelectorAll('.js-plotly-plot')];
  return [...shortened.map(node => node.textContent), ...charts.flatMap(spoiled)];
}"""
_OPENED = "() => document.querySelector(\"[role=tabpanel]:not([inert]) [class*='st-key-panel-']\")"
# Streamlit's own charts of metrics say so while they have no data yet.
_HARMLESS = ("Infinite extent for field",)


def program() -> str:
    """The browser of this machine. Fails where there is none."""
    found = [path for name in _BROWSERS if (path := shutil.which(name))]
    assert found, "There is no Chromium: 'make test' installs it on Debian and Ubuntu."
    return found[0]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium of this machine, which requests nothing from the internet. Fails where there is none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(QUIET))
        yield browser
        browser.close()


class Viewer:
    """A page of the dashboard, and what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        place = str(message.location.get("url", ""))
        if message.type not in ("error", "warning"):
            return
        if not any(words in message.text for words in _HARMLESS):
            self.errors.append(f"{message.text} ({place})")

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.outside.append(request.url)

    def open(self, path: str = "") -> None:
        """Open a page and wait until every panel is there."""
        self.page.goto(f"{self.address}/{path}")
        self.wait()

    def wait(self) -> None:
        """Wait until every panel has its content: no skeleton, nothing running, nothing of what was there before."""
        self.page.wait_for_selector("[class*='st-key-panel-']", timeout=LOADED_MS)
        self.page.wait_for_function(
            "() => !document.querySelector('[data-testid=stSkeleton]')"
            " && !document.querySelector('[data-testid=stStatusWidget]')"
            " && !document.querySelector('[data-stale=true]')",
            timeout=LOADED_MS,
        )

    def open_view(self, name: str) -> None:
        """Open one of the page's views and wait until every panel is there."""
        tab = self.page.get_by_role("tab", name=name, exact=True)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        self.page.wait_for_function(_OPENED, timeout=LOADED_MS)
        self.wait()

    def choose(self, airline: str) -> None:
        """Type the code of an airline into the filter and wait until every panel has its result."""
        box = self.page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect] input").first
        box.fill(airline)
        box.press("Enter")
        box.press("Escape")  # closes the list, which lies over the page
        expect(self.page).to_have_url(re.compile(f"airline={airline}"), timeout=LOADED_MS)
        self.wait()

    def drawn(self, key: str) -> list[Any]:
        """What the chart of a panel shows: the values along its axes, and what is said of each."""
        charts = self.panel(key).locator(".js-plotly-plot")
        shown: list[Any] = charts.evaluate("chart => chart.data.map(trace => [trace.x, trace.y, trace.text])")
        return shown

    def spoiled_words(self) -> list[str]:
        """Words of numbers and charts that cannot be read: cut off, or one on the other."""
        words: list[str] = self.page.evaluate(_SPOILED)
        return words

    def panel(self, key: str) -> Locator:
        """A panel of the page."""
        return self.page.locator(f".st-key-panel-{key}")

    def panels(self) -> Locator:
        """All panels of the page."""
        return self.page.locator("[class*='st-key-panel-']")

    def age(self, key: str) -> Locator:
        """The age of a panel's result, as it shows it; the attribute ``datetime`` has the time of the result."""
        return self.panel(key).locator("time.skytier-age")

    def time_of(self, key: str) -> str:
        """The time of a panel's result."""
        return self.age(key).get_attribute("datetime") or ""

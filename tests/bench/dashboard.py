"""Measures the dashboard in a browser, with a year cold and a full hot tier: ``python -m tests.bench.dashboard``.

The real flights of 2013 go through a stack of its own, archives bring the hot tier to its limit, and then pages are
loaded: warm ones, by one viewer and by ten at once, and filters changed, with the answer in the cache and without.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from typing import Annotated, Any

from cyclopts import App, Parameter
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from rich.console import Console
from rich.table import Table

from dashboard import text
from skytier import cache
from skytier.settings import HOST, ArchiveSettings, PortSettings, RedisSettings
from tests.archive_runs import size_mb
from tests.browser.viewer import QUIET, program
from tests.own_stack import OwnStack, own_stack, settings_of

NO_WAITS = {"SKYTIER_ARCHIVE_GRACE_SECONDS": "0", "SKYTIER_ARCHIVE_SETTLE_SECONDS": "0"}
HOUR_SECONDS = 3_600.0
VIEWERS = 10
_FIRST = "() => document.querySelector('[data-testid=stMain]')?.innerText.includes('As of')"
_COMPLETE = (
    "() => document.querySelector(\"[class*='st-key-panel-']\") && !document.querySelector('[data-testid=stSkeleton]')"
    " && !document.querySelector('[data-testid=stStatusWidget]') && !document.querySelector('[data-stale=true]')"
)
_PATIENCE_MS = 120_000

Load = tuple[float, float]
"""Seconds until the first numbers, and until every panel is there"""

app = App(help="Benchmark of the dashboard, on a stack of its own.")


def fill(stack: OwnStack, last: str) -> None:
    """The flights of 2013 in both tiers, the hot one brought to its limit by archives."""
    for command in (("replay", "--from", "2013-01-01", "--to", last), ("process",), ("books", "check")):
        _done(stack, *command)
    while size_mb() > ArchiveSettings().limit_mb:
        _done(stack, "archive", "run")


def _done(stack: OwnStack, *command: str) -> None:
    done = stack.run_with(stack.environment() | NO_WAITS, *command, seconds=HOUR_SECONDS)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    print(" ".join(command), file=sys.stderr, flush=True)


async def viewer(browser: Browser) -> BrowserContext:
    """Somebody whose browser has Streamlit's scripts already, as that of everybody who was here before."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    await loaded(context, "")
    return context


async def loaded(context: BrowserContext, path: str) -> Load:
    """Open a page in a new tab."""
    page = await context.new_page()
    began = time.monotonic()
    await page.goto(f"http://{HOST}:{PortSettings().dashboard}/{path}")
    await page.wait_for_function(_FIRST, timeout=_PATIENCE_MS)
    first = time.monotonic() - began
    await page.wait_for_function(_COMPLETE, timeout=_PATIENCE_MS)
    complete = time.monotonic() - began
    await page.close()
    return first, complete


async def filtered(context: BrowserContext, path: str, codes: tuple[str, ...]) -> list[float]:
    """Choose one airline after the other on an open page; seconds until every panel has its answer."""
    page = await context.new_page()
    await page.goto(f"http://{HOST}:{PortSettings().dashboard}/{path}")
    await page.wait_for_function(_COMPLETE, timeout=_PATIENCE_MS)
    seconds = [await _choose(page, code) for code in codes]
    await page.close()
    return seconds


async def _choose(page: Page, code: str) -> float:
    box = page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect] input").first
    await box.fill(f"{code} ")
    await page.wait_for_timeout(300)  # for the list to open, which is no part of the answer
    began = time.monotonic()
    await box.press("Enter")
    await page.wait_for_function(f"() => location.search.includes('airline={code}')", timeout=_PATIENCE_MS)
    await page.wait_for_timeout(50)
    await page.wait_for_function(_COMPLETE, timeout=_PATIENCE_MS)
    return time.monotonic() - began


def p95(values: list[float]) -> float:
    """The 95th percentile, as the value of a run that was measured."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


async def page_figures(viewers: list[BrowserContext], path: str, loads: int) -> dict[str, float]:
    """One page: warm loads by one viewer, and by all at once."""
    await loaded(viewers[0], path)
    alone = [await loaded(viewers[0], path) for _ in range(loads)]
    together = await asyncio.gather(*(loaded(one, path) for one in viewers))
    return {
        "first_p95": p95([first for first, _ in alone]),
        "complete_p95": p95([complete for _, complete in alone]),
        "complete_median": statistics.median(complete for _, complete in alone),
        "ten_at_once_complete_p95": p95([complete for _, complete in together]),
    }


async def filter_figures(context: BrowserContext, path: str) -> dict[str, float]:
    """One page: an airline chosen that nobody has asked for, then the same again by another viewer."""
    with cache.client(RedisSettings()) as redis:
        redis.flushdb()
    await loaded(context, path)
    new = await filtered(context, path, ("AA", "B6", "DL"))
    again = await filtered(context, path, ("AA", "B6", "DL"))
    return {"filter_new_worst": max(new), "filter_cached_worst": max(again)}


async def measure(loads: int) -> list[dict[str, Any]]:
    """All pages, one after the other."""
    figures = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=list(QUIET))
        viewers = [await viewer(browser) for _ in range(VIEWERS)]
        for page in text.PAGES:
            path = "" if page is text.PAGES[0] else page.path
            found = await page_figures(viewers, path, loads) | await filter_figures(viewers[0], path)
            figures.append({"page": page.file} | {name: round(seconds, 2) for name, seconds in found.items()})
            print(json.dumps(figures[-1]), file=sys.stderr, flush=True)
        await browser.close()
    return figures


@app.default
def main(
    *,
    last: Annotated[str, Parameter(help="last day of the flights")] = "2013-12-31",
    loads: Annotated[int, Parameter(help="warm loads of a page")] = 20,
    as_json: Annotated[bool, Parameter(name="--json", help="print JSON")] = False,
) -> None:
    """Fill a stack, load its pages and print the seconds."""
    with own_stack("bench-dashboard") as stack, settings_of(stack):
        stack.up(without=("airflow", "feed"))
        fill(stack, last)
        figures = asyncio.run(measure(loads))
    if as_json:
        print(json.dumps(figures))
        return
    table = Table(*(name.replace("_", " ") for name in figures[0]), title="The dashboard, seconds")
    for row in figures:
        table.add_row(*map(str, row.values()))
    Console().print(table)


if __name__ == "__main__":
    app()

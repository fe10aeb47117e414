"""Measures the dashboard in a browser, with a year cold and a full hot tier: ``python -m tests.bench.dashboard``.

The real flights of 2013 go through a stack of its own, archives bring the hot tier to its limit, and then pages are
loaded: warm ones, by one viewer and by ten at once, and filters changed, with the result in the cache and without.

What is measured is one viewer's browser. The other nine, whose machines would draw their pages, follow the protocol
that their browsers would speak: each has a session of its own, in which the server does all that it does for a browser.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from cyclopts import App, Parameter
from playwright.async_api import BrowserContext, Page, async_playwright
from rich.console import Console
from rich.table import Table
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from dashboard import app_pages
from dashboard.app_pages import PAGES
from skytier import cache
from skytier.settings.archive import ArchiveSettings
from skytier.settings.base import HOST
from skytier.settings.ports import PortSettings
from skytier.settings.redis import RedisSettings
from tests.archive_runs import size_mb
from tests.browser.viewer import QUIET, program
from tests.own_stack import OwnStack, own_stack, settings_of
from tests.pages import link_to, views

NO_WAITS = {"SKYTIER_ARCHIVE_GRACE_SECONDS": "0", "SKYTIER_ARCHIVE_SETTLE_SECONDS": "0"}
HOUR_SECONDS = 3_600.0
FOLLOWERS = 9
SEEN = 3  # loads before those that are measured: a browser keeps scripts compiled when it has loaded them twice
SPREAD_SECONDS = 1.0  # for a browser speaks to the server only after it has loaded the scripts
LOOKED_MS = 2_000
ROUNDS = 3  # of changes of a filter with the result in the cache
FIRST_CODES, OTHER_CODES = ("AA", "B6", "DL"), ("EV", "UA", "US")
_FIRST = "() => document.querySelector(\"[class*='st-key-panel-'] time.skytier-age\")"
_COMPLETE = (
    "() => document.querySelector(\"[class*='st-key-panel-']\") && !document.querySelector('[data-testid=stSkeleton]')"
    " && !document.querySelector('[data-testid=stStatusWidget]') && !document.querySelector('[data-stale=true]')"
)
_PATIENCE_MS = 120_000

Load = tuple[float, float]
"""Seconds until the first numbers, and until every panel is there"""
T = TypeVar("T")

app = App(help="Benchmark of the dashboard, on a stack of its own.")


def fill(stack: OwnStack, last: str) -> None:
    """The flights of 2013 in both tiers, the hot one brought to its limit by archives."""
    for command in (("replay", "--from", "2013-01-01", "--to", last), ("process",), ("reconcile")):
        _done(stack, *command)
    while size_mb() > ArchiveSettings().limit_mb:
        _done(stack, "archive", "run")


def _done(stack: OwnStack, *command: str) -> None:
    done = stack.run_with(stack.environment() | NO_WAITS, *command, seconds=HOUR_SECONDS)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    print(" ".join(command), file=sys.stderr, flush=True)


@asynccontextmanager
async def viewer() -> AsyncIterator[BrowserContext]:
    """Somebody's browser, which keeps the scripts of pages that it has seen, compiled too, in its profile."""
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory() as profile:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path=program(), args=list(QUIET), viewport={"width": 1280, "height": 900}
            )
            yield context
            await context.close()


@dataclass(frozen=True)
class Place:
    """A view of a page; the first is what opens without a name."""

    page: app_pages.Page
    view: str

    @property
    def path(self) -> str:
        return "" if self.page is PAGES[0] else self.page.path

    def query(self, codes: tuple[str, ...] = ()) -> str:
        return urlencode({**link_to(self.page.path, self.view), "airline": codes}, doseq=True)

    def address(self) -> str:
        return f"http://{HOST}:{PortSettings().dashboard}/{self.path}?{self.query()}"


async def loaded(context: BrowserContext, place: Place) -> Load:
    """Open a page in a new tab."""
    page = await context.new_page()
    began = time.monotonic()
    await page.goto(place.address())
    await page.wait_for_function(_FIRST, timeout=_PATIENCE_MS)
    first = time.monotonic() - began
    await page.wait_for_function(_COMPLETE, timeout=_PATIENCE_MS)
    complete = time.monotonic() - began
    await page.close()
    return first, complete


async def followed(place: Place, codes: tuple[str, ...], after_seconds: float) -> None:
    """Open a page as a browser does, in a session of its own, until the server has sent all of it."""
    await asyncio.sleep(after_seconds)
    here = f"{HOST}:{PortSettings().dashboard}"
    asking = BackMsg()
    asking.rerun_script.page_name, asking.rerun_script.query_string = place.path, place.query(codes)
    server = f"ws://{here}/_stcore/stream"
    async with connect(server, subprotocols=["streamlit"], origin=f"http://{here}", max_size=None) as session:  # type: ignore[list-item, arg-type]
        await session.send(asking.SerializeToString())
        async for data in session:
            message = ForwardMsg.FromString(data)
            if message.WhichOneof("type") == "script_finished":
                return
    raise SystemExit(f"The server ended a session on page '{place.page.title}' before it had sent all of it.")


async def beside_others(measured: Awaitable[T], place: Place, codes: tuple[str, ...] = ()) -> T:
    """Measure while nine others open a page too."""
    spread = [SPREAD_SECONDS * number / FOLLOWERS for number in range(FOLLOWERS)]
    others = asyncio.gather(*(followed(place, codes, seconds) for seconds in spread))
    result = await measured
    await others
    return result


async def filtered(context: BrowserContext, place: Place, codes: tuple[str, ...], *, alone: bool) -> list[float]:
    """Choose one airline after the other on a page that was looked at; seconds until every panel has its result."""
    page = await context.new_page()
    await page.goto(place.address())
    await page.wait_for_function(_COMPLETE, timeout=_PATIENCE_MS)
    await page.wait_for_timeout(LOOKED_MS)
    seconds = []
    for number, code in enumerate(codes, start=1):
        choice = _choose(page, code)
        seconds.append(await (choice if alone else beside_others(choice, place, codes[:number])))
    await page.close()
    return seconds


async def _choose(page: Page, code: str) -> float:
    box = page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect] input").first
    await box.fill(f"{code} ")
    await page.wait_for_timeout(300)  # for the list to open, which is not measured
    began = time.monotonic()
    await box.press("Enter")
    await page.wait_for_function(f"() => location.search.includes('airline={code}')", timeout=_PATIENCE_MS)
    await page.wait_for_timeout(50)
    await page.wait_for_function(_COMPLETE, timeout=_PATIENCE_MS)
    return time.monotonic() - began


def p95(values: list[float]) -> float:
    """The 95th percentile, as the value of a run that was measured."""
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


async def load_figures(context: BrowserContext, place: Place, loads: int) -> dict[str, float]:
    """One view: warm loads by one viewer, and by ten at once."""
    for _ in range(SEEN):
        await loaded(context, place)
    alone = [await loaded(context, place) for _ in range(loads)]
    among_ten = [await beside_others(loaded(context, place), place) for _ in range(loads)]
    return {
        "first_p95": p95([first for first, _ in alone]),
        "complete_p95": p95([complete for _, complete in alone]),
        "complete_median": statistics.median(complete for _, complete in alone),
        "of_ten_first_p95": p95([first for first, _ in among_ten]),
        "of_ten_complete_p95": p95([complete for _, complete in among_ten]),
    }


async def filter_figures(context: BrowserContext, place: Place) -> dict[str, float]:
    """One view: an airline whose results are not cached, then the same again; by one viewer, and by ten at once."""
    found: dict[str, float] = {}
    for who, codes, alone in (("filter", FIRST_CODES, True), ("of_ten_filter", OTHER_CODES, False)):
        with cache.client(RedisSettings()) as redis:
            redis.delete(*redis.scan_iter("skytier:result:*"))
        await loaded(context, place)
        found[f"{who}_new_worst"] = max(await filtered(context, place, codes, alone=alone))
        cached = [seconds for _ in range(ROUNDS) for seconds in await filtered(context, place, codes, alone=alone)]
        found |= {f"{who}_cached_worst": max(cached), f"{who}_cached_median": statistics.median(cached)}
    return found


async def measure(loads: int) -> list[dict[str, Any]]:
    """All views of all pages, one after the other."""
    figures = []
    async with viewer() as context:
        for place in (Place(page, view) for page in PAGES for view in views(page.path)):
            found = await load_figures(context, place, loads) | await filter_figures(context, place)
            names = {"page": place.page.path, "view": place.view}
            figures.append(names | {name: round(seconds, 2) for name, seconds in found.items()})
            print(json.dumps(figures[-1]), file=sys.stderr, flush=True)
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
    Console().print(tabled(figures))


def tabled(figures: list[dict[str, Any]]) -> Table:
    """Two lines a view: what one viewer sees, and one of ten."""
    names = [name for name in figures[0] if name.startswith(("first", "complete", "filter"))]
    table = Table(
        "page", "view", "viewers", *(name.replace("_", " ") for name in names), title="The dashboard, seconds"
    )
    for row in figures:
        for viewers, prefix in (("1", ""), (str(FOLLOWERS + 1), "of_ten_")):
            table.add_row(row["page"], row["view"], viewers, *(str(row.get(prefix + name, "")) for name in names))
    return table


if __name__ == "__main__":
    app()

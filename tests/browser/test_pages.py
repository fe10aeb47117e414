"""Every page in both themes, links, downloads, and what stays over a refresh."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from dashboard.app_pages import PAGES
from dashboard.app_pages.history import text as history
from dashboard.panels import text
from tests.browser.viewer import LOADED_MS, Viewer
from tests.pages import PANELS, views

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PATHS = ["" if page is PAGES[0] else page.path for page in PAGES]


@pytest.mark.parametrize("number", range(len(PAGES)), ids=[page.path for page in PAGES])
def test_every_page_is_whole(viewer: Viewer, theme: str, number: int) -> None:
    viewer.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    viewer.open(PATHS[number])
    expect(viewer.page.get_by_role("heading", name=PAGES[number].title)).to_be_visible()
    page = PAGES[number].path
    for view, panels in zip(views(page), PANELS[page], strict=True):
        if view:
            viewer.open_view(view)
        assert viewer.panels().count() == panels
        broken = viewer.panels().locator("[data-testid=stAlertContentError]").all_inner_texts()
        assert [error for error in broken if "Airflow" not in error] == []  # which does not run in this stack
        assert viewer.page.locator("[data-testid=stException]").count() == 0
        assert viewer.errors == []
        assert viewer.outside == []
        assert viewer.spoiled_words() == []
        width = viewer.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= 1280, "something is wider than the window"


def test_a_view_stays_over_filters_and_pages_and_a_link_carries_it(viewer: Viewer) -> None:
    viewer.open("history")
    viewer.open_view(history.COMPARE)
    viewer.choose("UA")
    expect(viewer.panel("compared")).to_be_visible()
    assert "history-view=Comparison" in viewer.page.url
    linked = Viewer(viewer.page.context.new_page(), viewer.address)
    linked.open(viewer.page.url.removeprefix(f"{viewer.address}/"))
    expect(linked.panel("compared")).to_be_visible()
    for page in (PAGES[0], PAGES[2]):
        viewer.page.get_by_role("link", name=page.title).click()
        expect(viewer.page.get_by_role("heading", name=page.title)).to_be_visible(timeout=LOADED_MS)
        viewer.wait()
    expect(viewer.panel("compared")).to_be_visible()
    assert "history-view=Comparison" in viewer.page.url
    assert viewer.errors == []


def test_a_link_carries_page_and_filters(viewer: Viewer) -> None:
    viewer.open("history?airline=UA&origin=EWR&from=2013-01-05")
    chosen = viewer.page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect]")
    expect(chosen.nth(0)).to_contain_text("UA")
    expect(chosen.nth(1)).to_contain_text("EWR")
    assert "airline=UA" in viewer.page.url
    assert "from=2013-01-05" in viewer.page.url


def test_who_types_a_code_chooses_it_and_nothing_else(viewer: Viewer) -> None:
    viewer.open("history")
    of_all = viewer.drawn("hourly")
    viewer.choose("AA")
    assert viewer.page.url.count("airline=") == 1
    linked = Viewer(viewer.page.context.new_page(), viewer.address)
    linked.open("history?airline=AA")
    assert viewer.drawn("hourly") == linked.drawn("hourly") != of_all


def test_filters_stay_across_pages(viewer: Viewer) -> None:
    viewer.open("?airline=UA")
    viewer.page.get_by_role("link", name=PAGES[1].title).click()
    expect(viewer.page.get_by_role("heading", name=PAGES[1].title)).to_be_visible(timeout=LOADED_MS)
    viewer.wait()
    expect(viewer.page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect]").first).to_contain_text("UA")


def test_one_goes_from_an_airline_down_to_its_flights_and_back(viewer: Viewer) -> None:
    viewer.open("history?from=2013-01-01&to=2013-01-31")
    viewer.open_view(history.DRILL)
    # Airline, origin, destination, flight number: the largest of each is the first row.
    for place in (
        r"place=[A-Z0-9]{2}$",
        r"place=\w{2}-\w{3}$",
        r"place=\w{2}-\w{3}-\w{3}$",
        r"place=\w{2}-\w{3}-\w{3}-\w+$",
    ):
        viewer.panel("drill").locator("[data-testid=stDataFrame]").click(position={"x": 60, "y": 52})
        expect(viewer.page).to_have_url(re.compile(place), timeout=LOADED_MS)
        viewer.wait()
    viewer.panel("drill").locator(".st-key-menu-drill").get_by_role("button").click()
    expect(viewer.page.get_by_role("button", name=text.DOWNLOAD)).to_be_visible()
    viewer.page.keyboard.press("Escape")
    linked = Viewer(viewer.page.context.new_page(), viewer.address)
    linked.open(viewer.page.url.removeprefix(f"{viewer.address}/"))
    assert linked.panel("drill").inner_text().splitlines()[0] == viewer.panel("drill").inner_text().splitlines()[0]
    viewer.page.go_back()
    expect(viewer.page).to_have_url(re.compile(r"place=\w{2}-\w{3}-\w{3}$"), timeout=LOADED_MS)


def test_the_menu_of_a_panel_links_to_it_and_shows_it_in_full(viewer: Viewer) -> None:
    viewer.open("history?airline=UA")
    menu = viewer.panel("heat").locator(".st-key-menu-heat").get_by_role("button")
    menu.click()
    viewer.page.get_by_role("button", name=text.LINK).click()
    expect(viewer.page).to_have_url(re.compile("airline=UA.*#panel-heat$"))
    linked = Viewer(viewer.page.context.new_page(), viewer.address)
    linked.open(viewer.page.url.removeprefix(f"{viewer.address}/"))
    expect(linked.panel("heat")).to_be_in_viewport(timeout=LOADED_MS)
    viewer.page.get_by_role("button", name=text.FULL_SCREEN).click()
    viewer.page.wait_for_function(
        "() => document.querySelector('.st-key-panel-heat .js-plotly-plot').getBoundingClientRect().height > 700"
    )
    assert viewer.errors == []


def test_the_calendar_opens_where_the_data_is(viewer: Viewer) -> None:
    viewer.open("history")
    viewer.page.get_by_test_id("stSidebar").get_by_role("button", name="Choose date").first.click()
    calendar = viewer.page.get_by_test_id("stDateInputCalendar")
    expect(calendar).to_contain_text(re.compile("(January|February) 2013"))


def test_operations_has_no_filters_and_keeps_those_of_other_pages(viewer: Viewer) -> None:
    viewer.open("?airline=UA")
    boxes = viewer.page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect]")
    for page in (PAGES[5], PAGES[0]):
        viewer.page.get_by_role("link", name=page.title).click()
        expect(viewer.page.get_by_role("heading", name=page.title)).to_be_visible(timeout=LOADED_MS)
        viewer.wait()
        expect(boxes).to_have_count(2 if page.has_filters else 0)
    expect(boxes.first).to_contain_text("UA")


def test_rows_come_as_a_file(viewer: Viewer, tmp_path: Path) -> None:
    viewer.open("?airline=UA")
    viewer.panel("latest").locator(".st-key-menu-latest").get_by_role("button").click()
    with viewer.page.expect_download() as download:
        viewer.page.get_by_role("button", name=text.DOWNLOAD).click()
    target = tmp_path / "latest.csv"
    download.value.save_as(target)
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row[text.column("airline")] for row in rows} == {"UA"}


def test_a_refresh_keeps_what_was_chosen(viewer: Viewer) -> None:
    viewer.open("?airline=UA")
    before = viewer.time_of("latest")
    expect(viewer.age("latest")).not_to_have_attribute("datetime", before, timeout=LOADED_MS)
    expect(viewer.page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect]").first).to_contain_text("UA")
    assert viewer.errors == []


def test_a_paused_page_stands_still(viewer: Viewer) -> None:
    viewer.open()
    viewer.page.locator("[data-testid=stSidebar]").get_by_text(text.PAUSE).click()
    viewer.page.wait_for_timeout(5_000)  # for a refresh that was under way
    before, age = viewer.time_of("latest"), viewer.age("latest").inner_text()
    viewer.page.wait_for_timeout(10_000)
    assert viewer.time_of("latest") == before
    assert viewer.age("latest").inner_text() != age, "the age does not count up"


def test_two_viewers_do_not_share_filters(viewer: Viewer, context: BrowserContext, dashboard: str) -> None:
    viewer.open("?airline=UA")
    other = Viewer(context.new_page(), dashboard)
    other.open()
    expect(other.page.locator("[data-testid=stSidebar] [data-testid=stMultiSelect]").first).not_to_contain_text("UA")

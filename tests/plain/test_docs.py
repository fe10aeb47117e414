"""What the documents say is so: generated ones are up to date, links lead somewhere, commands and settings exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from dashboard.app_pages import PAGES
from docs import generate
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.index import ALL_SETTINGS
from tests.pages import views

pytestmark = pytest.mark.plain

DOCUMENTS = sorted({*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md")})
WITHOUT_CLASS = {"SKYTIER_HOME", "SKYTIER_ENV_FILE", "SKYTIER_FAULT_KILL_AT"}
VARIABLES = {
    settings.model_config["env_prefix"] + name.upper() for settings in ALL_SETTINGS for name in settings.model_fields
}
OLD_NAMES = {
    str(name)
    for settings in ALL_SETTINGS
    for field in settings.model_fields.values()
    if isinstance(field.validation_alias, AliasChoices)
    for name in field.validation_alias.choices
}
"""Names of settings as of the release before, which are still read; only the changelog mentions them"""


def name_of(page: Path) -> str:
    return str(page.relative_to(PROJECT_ROOT))


@pytest.mark.parametrize("path", generate.documents(), ids=name_of)
def test_generated_documents_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.documents()[path], "run 'make docs'"


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_settings_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"SKYTIER_[A-Z_]+", page.read_text(encoding="utf-8"))
    assert {name for name in named if not name.endswith("_")} <= VARIABLES | WITHOUT_CLASS | (
        OLD_NAMES if page.name == "CHANGELOG.md" else set()
    )


@pytest.mark.parametrize("page", DOCUMENTS, ids=name_of)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (PROJECT_ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make (\w+)`|^make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert {one or other for one, other in named} <= targets


def test_every_page_and_view_of_the_dashboard_is_named() -> None:
    said = (PROJECT_ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    names = {name for page in PAGES for name in (page.title, *views(page.path))}
    assert {name for name in names if name not in said} == set()

"""The documentation as a site: it builds strictly, and a link that leads nowhere fails the build."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain

DOCS = PROJECT_ROOT / "docs"


@pytest.fixture(autouse=True)
def _quiet_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """MkDocs counts warnings by a handler that it adds at each build."""
    log = logging.getLogger("mkdocs")
    handlers, level = log.handlers[:], log.level
    yield
    log.handlers[:], log.level = handlers, level


def _build(docs: Path, to: Path) -> None:
    config = load_config(str(PROJECT_ROOT / "mkdocs.yml"), docs_dir=str(docs), site_dir=str(to))
    assert config.strict
    config.plugins.on_startup(command="build", dirty=False)
    build(config)


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    _build(DOCS, tmp_path)
    assert "Skytier is a flight-data warehouse" in (tmp_path / "index.html").read_text(encoding="utf-8")
    pages = {*PROJECT_ROOT.glob("*.md"), *DOCS.rglob("*.md")}
    assert (tmp_path / "assets" / "stylesheets").exists(), "of the theme"
    assert {page for page in pages if not (tmp_path / _html(page.relative_to(PROJECT_ROOT))).exists()} == set()


def _html(page: Path) -> Path:
    return page.with_name("index.html") if page.stem == "README" else page.with_suffix(".html")


BROKEN = ("no-such-page.md", "archive.md#no-such-section", "../no-such-page.md")


def test_links_that_lead_nowhere_and_lost_pages_fail_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    (docs / "lost.md").write_text("# Lost\n")
    with (docs / "sources.md").open("a", encoding="utf-8") as page:
        page.write("".join(f"\n[broken]({link})\n" for link in BROKEN))
    with caplog.at_level(logging.WARNING, "mkdocs"), pytest.raises(Abort):
        _build(docs, tmp_path / "html")
    lost, *said = (record.getMessage() for record in caplog.records)
    assert "docs/lost.md" in lost
    assert len(said) == len(BROKEN)
    for link in BROKEN:
        assert [line for line in said if "docs/sources.md" in line and f"'{link}'" in line], link

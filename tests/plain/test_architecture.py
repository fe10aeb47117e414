"""The house of DESIGN: imports point one way, and the folder of DAGs does not shadow Airflow."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.app_pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
APP_PAGES = ROOT / "dashboard" / "app_pages"
PARTS = (
    "skytier",
    "events",
    "generator",
    "opensky",
    "spark_jobs",
    "models",
    "dashboard",
    "local_stack",
    "airflow",
    "docs",
)
ALLOWED = {
    "skytier": {"skytier"},
    "events": {"skytier", "events"},
    "generator": {"skytier", "events", "generator"},
    "opensky": {"skytier", "events", "opensky"},
    "models": {"skytier", "events", "generator", "models"},
    "spark_jobs": {"skytier", "events", "models", "spark_jobs"},
    "dashboard": {"skytier", "events", "models", "dashboard"},
    "local_stack": {"skytier", "events", "local_stack"},
}

# Modules of pure functions of DataFrames; the pipeline's own entry reads settings and the registry of models.
TRANSFORMS = [
    path
    for path in (ROOT / "spark_jobs" / "flights").glob("*.py")
    if path.name not in ("transforms.py", "scoring.py", "summary.py")
] + [ROOT / "skytier" / "pipeline" / name for name in ("duplicates.py", "records.py", "record_outputs.py")]

pytestmark = pytest.mark.plain


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names & set(PARTS)


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_point_one_way(part: str) -> None:
    files = list((ROOT / part).rglob("*.py"))
    assert files
    wrong = {f"{path.relative_to(ROOT)} imports {name}" for path in files for name in _imported(path) - _allowed(path)}
    assert not wrong


def _allowed(path: Path) -> set[str]:
    """What a module may import: commands of ``skytier`` choose the pipelines, which the rest of it knows nothing of."""
    part = path.relative_to(ROOT).parts[0]
    is_command = part == "skytier" and path.stem.endswith("cli")
    return ALLOWED[part] | ({"events"} if is_command else set())


def test_the_archive_knows_no_kind_of_event() -> None:
    modules = [path for path in (ROOT / "skytier" / "archive").glob("*.py") if not path.stem.endswith("cli")]
    assert len(modules) > 10
    forbidden = ("flight", "mongodb_archive", "hot_tier.events(", "hot_tier.clock(")
    assert not {f"{path.name}: {word}" for path in modules for word in forbidden if word in path.read_text()}


def test_the_archive_reads_no_settings_below_its_commands() -> None:
    modules = [path for path in (ROOT / "skytier" / "archive").glob("*.py") if not path.stem.endswith("cli")]
    modules += (ROOT / "spark_jobs").glob("archive_[!h]*.py")
    assert not {path.name for path in modules if "Settings()" in path.read_text()}


def test_the_folder_of_dags_is_no_package() -> None:
    assert not list((ROOT / "airflow").rglob("__init__.py"))


def test_transforms_touch_no_session_client_or_clock() -> None:
    forbidden = ("SparkSession", "datetime.now", "time.time", "MongoClient", ".collect(", "toPandas")
    found = {f"{path.name}: {word}" for path in TRANSFORMS for word in forbidden if word in path.read_text()}
    assert not found


def test_pages_import_nothing_from_each_other() -> None:
    """A change of a page touches its folder only. What several pages share is in ``dashboard/panels/``."""
    assert {folder.name for folder in APP_PAGES.iterdir() if (folder / "page.py").is_file()} == {
        page.path for page in PAGES
    }
    found = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in APP_PAGES.glob("*/*.py")
        for module in _modules(path)
        if module.startswith("dashboard.app_pages") and module.split(".")[2:3] != [path.parent.name]
    }
    assert not found


def test_shared_panels_import_no_page() -> None:
    found = {
        f"{path.name} imports {module}"
        for path in (ROOT / "dashboard" / "panels").glob("*.py")
        for module in _modules(path)
        if module.startswith("dashboard.app_pages")
    }
    assert not found


def _modules(path: Path) -> set[str]:
    """The modules and names that a file imports, each by its full name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_dashboard_reads_its_settings_where_a_run_starts() -> None:
    """A run starts in the server, the script, a callback or a request, or in a query; nothing else reads settings."""
    starts = {"server.py", "app.py", "access.py", "operator_page.py", "operator_token.py", "page.py"}
    found = {
        f"{path.relative_to(ROOT)}, line {node.lineno}: {node.func.id}"
        for path in (ROOT / "dashboard").rglob("*.py")
        if path.name not in starts and not path.name.endswith("queries.py") and path.name != "hot_tier_size.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Settings")
    }
    assert not found


def test_a_drawing_is_kept_by_functions_of_modules() -> None:
    """One made in the page, for this run of it, would be drawn anew for each viewer."""
    calls = _panels()
    assert len(calls) > len(PAGES)
    assert not {f"{name}, line {call.lineno}" for name, call in calls if not _is_of_a_module(call.args[2])}


def _panels() -> list[tuple[str, ast.Call]]:
    """The calls that show panels, by page."""
    return [
        (path.parent.name, node)
        for path in APP_PAGES.glob("*/page.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "panel"
    ]


def _is_of_a_module(draw: ast.expr) -> bool:
    return isinstance(draw, ast.Attribute) or (isinstance(draw, ast.Name) and draw.id == "draw_accuracy")


def _drawings() -> list[Path]:
    """The modules with functions that draw, and what these call."""
    found = [path for path in APP_PAGES.glob("*/*.py") if path.name.endswith("charts.py")]
    found += [APP_PAGES / place for place in ("history/drill_down.py", "history/measures.py")]
    found += [APP_PAGES / place for place in ("predictions/accuracy.py", "streaming/metrics.py")]
    found += [ROOT / "dashboard" / "panels" / f"{name}.py" for name in ("formats", "delays", "margins", "plain")]
    assert len(found) > 3 * len(PAGES)
    assert all(path.is_file() for path in found)
    return found


def test_a_drawing_depends_on_no_clock() -> None:
    found = {
        f"{path.name}: {word}"
        for path in _drawings()
        for word in ("now()", ".now(", "today()", "time.time", "monotonic")
        if word in path.read_text()
    }
    assert not found


def test_what_is_chosen_in_a_panel_is_read_by_that_panel_alone() -> None:
    """Panels are drawn side by side: another might ask for it before it is there."""
    read: dict[str, list[str]] = {}
    for name, call in _panels():
        keys = {ast.unparse(node.slice) for node in ast.walk(call) if isinstance(node, ast.Subscript)}
        for key in keys:
            read.setdefault(f"{name} {key}", []).append(ast.unparse(call.args[0]))
    assert read
    assert {key: panels for key, panels in read.items() if len(panels) > 1} == {}


def test_a_minute_job_does_without_pandas_in_its_driver() -> None:
    """It takes a twelfth of a minute without events to import, and no events are there."""
    code = "import sys, spark_jobs.process_flight_events; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

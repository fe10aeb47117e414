"""The key of a cached training changes with all code that decides its result: all that the training imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models import code_files, training_cache
from models.delay import training
from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain

_LOADED = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print(*sorted({module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}), sep="\\n")
"""


def test_all_modules_loaded_for_a_training_are_in_its_key() -> None:
    """By the interpreter's own account of what was imported."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *training.MODULES],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
    )
    parts = [PROJECT_ROOT / part for part in ("skytier", "events", "models", "generator", "spark_jobs")]
    loaded = {Path(line) for line in done.stdout.splitlines()}
    ours = {file for file in loaded if any(file.is_relative_to(part) for part in parts)}
    assert PROJECT_ROOT / "events" / "flight.py" in ours
    assert ours <= set(code_files.imported_by(*training.MODULES))


def project(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def names(root: Path, *modules: str) -> set[str]:
    return {str(file.relative_to(root)) for file in code_files.imported_by(*modules, root=root)}


def test_imports_are_followed_wherever_they_stand(tmp_path: Path) -> None:
    project(
        tmp_path,
        a__one="import json\nfrom a import two\n",
        a__two="def later():\n    import b.three\n",
        b__init="",
        b__three="if TYPE_CHECKING:\n    from b.four import Name\nfrom . import five\n",
        b__four="from ..a.one import what\nfrom .six.seven import other\n",
        b__five="import b.three\n",
        b__six__seven="",
        b__unused="",
    )
    (tmp_path / "b" / "init.py").rename(tmp_path / "b" / "__init__.py")
    expected = {"a/one.py", "a/two.py", "b/__init__.py", "b/three.py", "b/four.py", "b/five.py", "b/six/seven.py"}
    assert names(tmp_path, "a.one") == expected
    assert names(tmp_path, "b.five") == expected


def test_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"no module a\.one"):
        names(tmp_path, "a.one")


def test_the_key_of_a_training_changes_with_code_libraries_and_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = project(tmp_path, models__delay__training="import skytier.event\n", skytier__event="VERSION = 1\n")
    (root / "jobs.txt").write_text("numpy==1\n")
    monkeypatch.setattr(training_cache, "PROJECT_ROOT", root)
    monkeypatch.setattr(training_cache, "LIBRARIES", root / "jobs.txt")
    monkeypatch.setattr(code_files.imported_by, "__kwdefaults__", {"root": root})
    modules = ("models.delay.training",)
    seen = {training_cache.key(modules, {"source": "package"}), training_cache.key(modules, {"source": "package"})}
    assert len(seen) == 1
    seen.add(training_cache.key(modules, {"source": "warehouse"}))
    (root / "skytier" / "event.py").write_text("VERSION = 2\n")
    seen.add(training_cache.key(modules, {"source": "package"}))
    (root / "skytier" / "event.py").rename(root / "skytier" / "events.py")
    (root / "models" / "delay" / "training.py").write_text("import skytier.events\n")
    seen.add(training_cache.key(modules, {"source": "package"}))
    (root / "jobs.txt").write_text("numpy==2\n")
    seen.add(training_cache.key(modules, {"source": "package"}))
    assert len(seen) == 5

"""The limits that CONTRIBUTING names hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from skytier.settings.base import PROJECT_ROOT
from tests.plain.test_architecture import PARTS

pytestmark = pytest.mark.plain

LINES_OF_A_MODULE = 250
LINES_OF_A_FUNCTION = 70
NAMES_THAT_SAY_NOTHING = {"utils", "util", "common", "helpers", "helper", "misc"}


def _modules() -> Iterator[Path]:
    for part in PARTS:
        yield from (PROJECT_ROOT / part).rglob("*.py")


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT))


def test_contributing_names_these_limits() -> None:
    said = " ".join((PROJECT_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"Modules have at most {LINES_OF_A_MODULE} lines, functions at most {LINES_OF_A_FUNCTION}" in said


def test_modules_are_short() -> None:
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in _modules()}
    assert len(lengths) > 100
    long = {name: lines for name, lines in lengths.items() if lines > LINES_OF_A_MODULE}
    assert long == {}, f"split by what each part knows; the limit is {LINES_OF_A_MODULE} lines"


def test_functions_are_short() -> None:
    long = {
        f"{_name(path)}: {node.name}": lines
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LINES_OF_A_FUNCTION
    }
    assert long == {}, f"the limit is {LINES_OF_A_FUNCTION} lines"


def test_modules_are_named_by_what_they_know() -> None:
    names = [_name(path) for path in _modules()]
    assert [name for name in names if NAMES_THAT_SAY_NOTHING & set(Path(name).with_suffix("").parts)] == []


def test_dags_only_wire_tasks() -> None:
    """Nothing is asked or read while Airflow parses the file, and its docstring is its page."""
    dags = list((PROJECT_ROOT / "airflow" / "dags").glob("*_dag.py"))
    assert dags
    for path in dags:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            name.split(".")[0] for name in re.findall(r"^(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE)
        }
        assert imported <= {"__future__", "airflow", "datetime", "defaults", "pendulum"}, path.name
        assert len(ast.get_docstring(tree) or "") > 100, path.name

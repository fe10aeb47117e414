"""What a person who takes over expects: licence, version, hooks and CI that run the same commands."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs import decision_records
from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain

SETTINGS = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = SETTINGS["project"]
MAKEFILE = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")


def _yaml(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((PROJECT_ROOT / name).read_text(encoding="utf-8")))


def test_the_package_names_its_licence() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert PROJECT["license-files"] == ["LICENSE"]
    text = (PROJECT_ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_what_the_mutation_tool_is_told_of_exists() -> None:
    told = SETTINGS["tool"]["mutmut"]
    files = [*told["only_mutate"], *told["pytest_add_cli_args_test_selection"]]
    assert [file for file in files if not list(PROJECT_ROOT.glob(file))] == []


def test_the_newest_version_of_the_changelog_is_the_packages() -> None:
    changelog = (PROJECT_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert versions[0] == PROJECT["version"] == metadata.version("skytier")


def test_ci_runs_the_readmes_test_command() -> None:
    assert (PROJECT_ROOT / ".ci" / "run").read_text(encoding="utf-8").endswith("\nexec make test\n")
    steps = _yaml(".github/workflows/ci.yml")["jobs"]["suite"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def _hooks() -> dict[str, str]:
    """The commands of the hooks, by id; all are the project's own."""
    (repository,) = _yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system", "pygrep"}, (
        "others have versions of their own"
    )
    return {hook["id"]: hook["entry"] for hook in repository["hooks"]}


def test_hooks_run_what_ci_runs_first() -> None:
    hooks = _hooks()
    assert hooks["lint"] == "make --no-print-directory lint"
    assert "$(MAKE) --no-print-directory lint\n" in MAKEFILE.partition("\ntest:")[2].partition("\n\n")[0]
    lane = MAKEFILE.partition("\ntest-code:")[2].partition("\n\n")[0]
    assert hooks["mypy"] in lane
    assert hooks["plain-tests"].removesuffix(" -q") in lane


def test_the_walk_to_a_first_change_names_what_is_there() -> None:
    contributing = (PROJECT_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    walk = contributing.partition("## Your first change")[2].partition("\n## ")[0]
    files = {name for name in re.findall(r"[\w/]+\.py", walk) if "/" in name}
    assert len(files) == 3
    texts = "".join((PROJECT_ROOT / name).read_text(encoding="utf-8") for name in files)
    for name in ("test_quality_loses_the_weight_of_each_flag", "doubts", "FLAGS", "delay_extreme"):
        assert name in walk
        assert name in texts
    assert "departed_early" not in texts, "the walk's own example: choose another for it"


def test_issue_forms_are_complete() -> None:
    forms = [path for path in (PROJECT_ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
    assert forms
    for form in forms:
        content = _yaml(str(form.relative_to(PROJECT_ROOT)))
        assert {"name", "description", "body"} <= content.keys()


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [record.number for record in decision_records.records()]
    assert numbers == sorted(set(numbers))


def test_a_decision_without_status_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_records, "FOLDER", tmp_path)
    page = tmp_path / "0001-first.md"
    page.write_text("# 1. First\n\nStatus: accepted, 2026-11-29\n\nText.\n")
    assert decision_records.records() == [(page.name, 1, "First", "accepted", "2026-11-29")]
    for wrong in (
        "# 2. First\n\nStatus: accepted, 2026-11-29\n\n",
        "# 1. First\n\nText.\n",
        "# 1. First\n\nStatus: done\n\n",
    ):
        page.write_text(wrong)
        with pytest.raises(ValueError, match=r"does not begin with '# 1\. Title'"):
            decision_records.records()

"""The source files of this project that a module imports, directly or not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from skytier.settings.base import PROJECT_ROOT


def imported_by(*modules: str, root: Path = PROJECT_ROOT) -> list[Path]:
    """The files of these modules and of all modules below ``root`` that they import, directly or not; sorted.

    Imports are parsed, not executed: those inside functions and for type checking count too. Raises
    ModuleNotFoundError if a module does not exist.
    """
    if missing := [module for module in modules if _file(module, root) is None]:
        raise ModuleNotFoundError(f"There is no module {', '.join(missing)} in {root}.")
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        new = {file for name in _with_packages(waiting.pop()) if (file := _file(name, root))} - found
        found |= new
        waiting += [name for file in new for name in _imports(file, root)]
    return sorted(found)


def _with_packages(module: str) -> Iterator[str]:
    """The packages that contain a module, and the module itself."""
    parts = module.split(".")
    return (".".join(parts[: end + 1]) for end in range(len(parts)))


def _file(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _imports(file: Path, root: Path) -> Iterator[str]:
    package = file.parent.relative_to(root).parts
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield origin
            # A name that is imported from a package may be a module of it.
            yield from (f"{origin}.{alias.name}" for alias in node.names)

"""Which files MkDocs makes the site of: the pages of ``docs/`` and those of the project's root.

Each has the path that it has in the repository, so that a link is right in both, and the README is the first page.
MkDocs calls ``on_files`` (``hooks`` in ``mkdocs.yml``).
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Put the files of ``docs/`` below a folder of that name, and the root's pages and the licence beside it."""
    sources = {path.name: path for path in (*ROOT.glob("*.md"), ROOT / "LICENSE")}
    placed = Files([])
    for file in files:
        if file.src_dir == config.docs_dir:
            sources[f"docs/{file.src_uri}"] = Path(str(file.abs_src_path))
        else:
            placed.append(file)  # the theme's
    for name, source in sources.items():
        placed.append(File.generated(config, name, abs_src_path=str(source)))
    return placed

"""What is printed for people: data is shown as it is, tables are whole wherever they go.

Data may hold what a terminal obeys, such as escape sequences, and what rich takes for markup, such as ``[bold]``.
"""

from __future__ import annotations

import re
import sys
from typing import Any, TextIO

import orjson
from rich.console import Console
from rich.table import Table

_WIDER_THAN_ANY_TABLE = 100_000
# Control characters but tabs and ends of lines, marks that turn the direction of text, separators, lone surrogates.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text with what a terminal would obey written out, as in ``\x1b``; ends of lines and tabs stay."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def visible_json(text: str) -> str:
    r"""The same of a text that is JSON and stays JSON: as in ``\u009b``, which it allows unescaped inside of texts."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def console(file: TextIO | None = None) -> Console:
    """Where results are printed: no markup in data, and lines as long as they are when it is no terminal."""
    target = file or sys.stdout
    width = None if target.isatty() else _WIDER_THAN_ANY_TABLE
    return Console(file=target, markup=False, emoji=False, highlight=False, width=width, soft_wrap=True)


def print_json(document: Any) -> None:
    """Print a document as JSON in one line; what JSON has no number for, such as NaN, is null."""
    print(visible_json(orjson.dumps(document).decode()))


def say(text: str, file: TextIO | None = None) -> None:
    """Print a sentence, which may have data in it."""
    print(visible(text), file=file or sys.stdout)


def add_row(table: Table, *cells: str, style: str | None = None) -> None:
    """Add a row of texts to a table, each as it is."""
    table.add_row(*map(visible, cells), style=style)


def print_table(table: Table) -> None:
    """Print a table: folded to its width on a terminal, whole elsewhere."""
    for column in table.columns:
        column.overflow = "fold"
    console().print(table, soft_wrap=False)

r"""Data as plain text: what strangers wrote into events, records and files is shown, and does nothing.

Streamlit takes the words that it is given for Markdown, with links, pictures, formulas and icons; Plotly takes tags,
links among them. Own words and data come together in the functions that draw, so data is marked before these see it:
``marked`` puts letters of no meaning in the place of ``<`` and ``&``, and every way to the page gives them back as it
has to.
Control characters, and marks that turn the direction of text, are written out, as in ``\x1b``.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from skytier import terminal

# Of the private use area: they mean nothing, and what has them already is shown as if it had the others.
_MARKS = str.maketrans({"<": "\ue03c", "&": "\ue026"})
_PLAIN = str.maketrans({"\ue03c": "<", "\ue026": "&"})
_ENTITIES = str.maketrans({"\ue03c": "&lt;", "\ue026": "&amp;"})
_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>~$&|]")
_BEGINS_A_BLOCK = re.compile(r"^[ \t]*(?=[#+\-=:]|\d+[.)])(\d*)", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
# Icons, short names of emojis, and what becomes a link by itself are found after escapes are gone: they are cut in two.
_FOUND_LATER = re.compile(r":(?=[\w+\-/]+:)|:(?=//)|(?<=[Ww]{3})(?=\.)|@(?=[\w.\-]+\.\w)")
_WORD_JOINER = "\u2060"


def marked(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with all texts marked as data, and nothing in them that a reader's machine obeys."""
    texts = frame.select_dtypes(["object", "string"])
    return (
        frame.assign(**{str(name): texts[name].map(_marked) for name in texts.columns}) if len(texts.columns) else frame
    )


def _marked(cell: Any) -> Any:
    if isinstance(cell, str):
        return terminal.visible(cell).translate(_MARKS)
    if isinstance(cell, list | tuple | np.ndarray):
        return [_marked(part) for part in cell] if isinstance(cell, list | tuple) or cell.dtype == object else cell
    return {_marked(name): _marked(part) for name, part in cell.items()} if isinstance(cell, dict) else cell


def unmarked(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows for a table, which takes text for text."""
    texts = rows.select_dtypes(["object", "string"])
    return (
        rows.assign(**{str(name): texts[name].map(_unmarked) for name in texts.columns}) if len(texts.columns) else rows
    )


def _unmarked(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.translate(_PLAIN)
    return [_unmarked(part) for part in cell] if isinstance(cell, list) else cell


def for_plotly(words: str) -> str:
    """Words of a figure: tags of our own are tags, those in data are text."""
    return words.translate(_ENTITIES)


def plain_words(words: str) -> str:
    """Words where text is text, such as what is read out to those who do not see a figure."""
    return terminal.visible(words.translate(_PLAIN))


def for_label(words: str) -> str:
    """Words where Markdown is understood within a line, as in numbers and buttons."""
    cut = _FOUND_LATER.sub(lambda found: found[0] + _WORD_JOINER, plain_words(words))
    return _MEANS_SOMETHING.sub(r"\\\g<0>", cut)


def for_markdown(words: str) -> str:
    """Words where Markdown is understood, with blocks."""
    return _BEGINS_A_BLOCK.sub(r"\1\\", _INDENT.sub("", for_label(words)))

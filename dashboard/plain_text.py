r"""Untrusted text as plain text: content of events, records and files is displayed without any effect.

Streamlit interprets text as Markdown, with links, images, formulas and icons; Plotly interprets HTML tags, including
links. The functions that draw combine their own texts with data, so data is marked before: ``marked`` replaces ``<``
and ``&`` by private-use characters, and every output restores them in its own escaping.
Control characters, and characters that change the text direction, are written out, as in ``\x1b``.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from skytier import terminal

# Private-use characters have no meaning of their own; where data contains them, they are displayed as ``<`` and ``&``.
_MARKS = str.maketrans({"<": "\ue03c", "&": "\ue026"})
_PLAIN = str.maketrans({"\ue03c": "<", "\ue026": "&"})
_ENTITIES = str.maketrans({"\ue03c": "&lt;", "\ue026": "&amp;"})
_SPECIAL = re.compile(r"[\\`*_\[\]<>~$&|]")
_BLOCK_START = re.compile(r"^[ \t]*(?=[#+\-=:]|\d+[.)])(\d*)", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
# Icons, emoji shortcodes and automatic links are detected after unescaping: a word joiner splits them.
_AUTOMATIC = re.compile(r":(?=[\w+\-/]+:)|:(?=//)|(?<=[Ww]{3})(?=\.)|@(?=[\w.\-]+\.\w)")
_WORD_JOINER = "\u2060"


def marked(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with all texts marked as data, without control characters."""
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
    """Rows for a table, which displays plain text."""
    texts = rows.select_dtypes(["object", "string"])
    return (
        rows.assign(**{str(name): texts[name].map(_unmarked) for name in texts.columns}) if len(texts.columns) else rows
    )


def _unmarked(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.translate(_PLAIN)
    return [_unmarked(part) for part in cell] if isinstance(cell, list) else cell


def for_plotly(words: str) -> str:
    """A text of a figure: our own tags stay tags, those in data become text."""
    return words.translate(_ENTITIES)


def plain_words(words: str) -> str:
    """A text for places without markup, such as the alternative text of a figure."""
    return terminal.visible(words.translate(_PLAIN))


def for_label(words: str) -> str:
    """A text for inline Markdown, as in metrics and buttons."""
    cut = _AUTOMATIC.sub(lambda found: found[0] + _WORD_JOINER, plain_words(words))
    return _SPECIAL.sub(r"\\\g<0>", cut)


def for_markdown(words: str) -> str:
    """A text for Markdown with blocks."""
    return _BLOCK_START.sub(r"\1\\", _INDENT.sub("", for_label(words)))

"""What strangers wrote into data does nothing on a page: no tag, link, picture, formula, icon or control character."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard.panels.plain import plain
from dashboard.plain_text import for_label, for_markdown, for_plotly, marked, plain_words, unmarked

pytestmark = pytest.mark.plain

LINK = '<a href="https://evil.example.org">UA</a>'
OBEYED = "\x1b[2J\x9b31m\x07\u202eabc\u2066"


def through(text: str) -> str:
    """A text as it is in a cell of the rows that a panel draws."""
    return str(marked(pd.DataFrame({"a": [text]}))["a"][0])


@given(some.text())
def test_plotly_sees_no_tag_and_no_entity_in_data(text: str) -> None:
    words = for_plotly(f"<b>{through(text)}</b><br>")
    inside = words.removeprefix("<b>").removesuffix("</b><br>")
    assert "<" not in inside
    assert re.sub("&(lt|amp);", "", inside).count("&") == 0
    if text.isprintable() and not re.search("[\ue000-\uf8ff]", text):
        assert html.unescape(inside) == text  # and those who look see what was written


@given(some.text())
def test_a_table_shows_what_was_written(text: str) -> None:
    shown = unmarked(marked(pd.DataFrame({"a": [text], "n": [1]})))
    if text.isprintable() and not re.search("[\ue000-\uf8ff]", text):
        assert shown["a"][0] == text
    assert plain_words(through(text)) == shown["a"][0]


def test_control_characters_are_written_out_everywhere() -> None:
    for shown in (for_plotly(through(OBEYED)), unmarked(marked(pd.DataFrame({"a": [OBEYED]})))["a"][0]):
        assert shown == r"\x1b[2J\x9b31m\x07\u202eabc\u2066"
    assert "\x1b" not in for_markdown(OBEYED)


def test_a_figure_has_our_tags_and_shows_those_of_data() -> None:
    cells = [through(LINK), through("R&D")]
    figure = go.Figure(go.Bar(x=cells, y=[1, 2], text=[f"{one}<br>1 flight" for one in cells], name=cells[0]))
    figure.update_traces(customdata=np.array([cells], dtype=object).T, hovertemplate="%{x}<extra></extra>")
    figure.update_layout(xaxis_title=cells[0], annotations=[{"text": f"<b>{cells[0]}</b>"}])
    sent = plain(figure).to_json()
    assert "<a" not in sent.replace("\\u003c", "<")
    drawn = plain(figure)
    escaped = html.escape(LINK, quote=False).replace("&gt;", ">")
    assert list(drawn.data[0].x) == [escaped, "R&amp;D"]
    assert drawn.data[0].text[0] == f"{escaped}<br>1 flight"
    assert drawn.data[0].hovertemplate == "%{x}<extra></extra>"
    assert drawn.layout.annotations[0].text == f"<b>{escaped}</b>"
    assert drawn.layout.xaxis.title.text == escaped


def test_texts_inside_of_lists_are_data_as_well() -> None:
    frame = pd.DataFrame({"a": [[LINK], None, {"x": LINK}, np.array([LINK], dtype=object)], "b": [1.5, 2, 3, 4]})
    assert "<" not in str(marked(frame)["a"].tolist())
    assert marked(frame)["b"].tolist() == [1.5, 2, 3, 4]
    assert marked(frame[["b"]]).equals(frame[["b"]])


MARKDOWN = [
    "[UA](https://evil.example.org)",
    "![x](https://evil.example.org/x.png)",
    "**bold** _slanted_ ~~gone~~ `code`",
    "$\\frac{1}{2}$ and $$x$$",
    ":red[late] :material/lock: :smile:",
    "<b>bold</b> &lt; &#65;",
    "# a title",
    "- a list",
    "1. a list",
    "a\n---\nb",
    "a | b\n- | -\n1 | 2",
    "    code",
]


@pytest.mark.parametrize("words", MARKDOWN)
def test_markdown_in_data_is_shown_as_it_is(words: str) -> None:
    escaped = for_markdown(words)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`\[\]<>~$&|]", escaped)
    assert not re.search(r"^(#|-|\d+\.|=| )", escaped, re.MULTILINE)
    assert not re.search(r":[\w+\-/]+:", escaped)
    seen = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped).replace("\u2060", "")
    assert seen == re.sub(r"^ +", "", words, flags=re.MULTILINE)


@given(some.text(alphabet=some.sampled_from(list("\\`*_[]()<>~$&|:#-1.a /\n@w"))))
def test_no_sign_of_markdown_is_left_without_its_backslash(words: str) -> None:
    escaped = for_label(words)
    without = re.sub(r"\\[\\`*_\[\]<>~$&|]", "", escaped)
    assert not re.search(r"[\\`*_\[\]<>~$&|]", without)
    assert "://" not in escaped


@pytest.mark.parametrize("words", ["see https://evil.example.org/x", "www.evil.example.org", "me@evil.example.org"])
def test_nothing_becomes_a_link_by_itself(words: str) -> None:
    escaped = for_markdown(words)
    assert escaped.replace("\u2060", "") == words
    assert not re.search(r"https?://|www\.|@\w", escaped)

"""How far a command is: a bar on a terminal, log events elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from skytier import logs, terminal

Shown = Callable[[float, str], None]
"""Called with the share that is done, 0 to 1, and a note."""


@contextmanager
def progress_bar(what: str, as_json: bool) -> Iterator[Shown | None]:
    """A bar on standard error while the block runs; None where that is no terminal.

    Log events stand above the bar as lines of text; without a terminal they are JSON lines with ``as_json`` only.
    """
    if not sys.stderr.isatty():
        logs.configure(as_json)
        yield None
        return
    note = TextColumn("{task.fields[note]}", markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), note)
    with Progress(*columns, console=terminal.console(sys.stderr), transient=True) as bar:
        logs.configure(as_json=False)  # the bar's standard error, which moves the bar out of the way
        task = bar.add_task(what, total=1.0, note="")
        yield lambda share, note: bar.update(task, completed=share, note=terminal.visible(note))
    logs.configure()

"""``skytier stack secrets``: passwords and certificates of a stack of containers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from local_stack import secret_files
from skytier import terminal


def secrets(folder: Path, *, name: Annotated[list[str], Parameter(consume_multiple=True)] | None = None) -> None:
    """Make the passwords, keys and certificates of a stack of containers, once, in a folder with one folder a service.

    What is there stays; certificates that end soon or lack a name are made anew. Files have mode 600, folders 700.

    Parameters
    ----------
    folder
        The folder, which only its owner may read.
    name
        Further names of hosts, and addresses, that clients call servers by.
    """
    written = secret_files.write(folder, name or [])
    for path in written:
        terminal.say(f"wrote {path}")
    if not written:
        terminal.say(f"All secrets are in {folder} already.")

"""Results of trainings that this machine keeps, for all its stacks: the very same training is not done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from models import code_files
from skytier import logs
from skytier.kept_folder import kept_folder
from skytier.settings.base import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "var" / "cache" / "models"  # depends on code and data, not on SKYTIER_HOME

TRAINS = ("models.training", "models.training_data")
LIBRARIES = PROJECT_ROOT / "requirements" / "jobs.txt"

log = logs.logger("train")


def key(options: Mapping[str, str]) -> str:
    """The name of a training: of the code and libraries that decide its result, and of its options.

    The code is all that the training imports of this project, by whatever way.
    """
    digest = hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode())
    for path in (*code_files.imported_by(*TRAINS), LIBRARIES):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def find_or_make(name: str, make: Callable[[Path], object]) -> Path:
    """The folder kept under a name; where there is none, what ``make`` writes into a folder is kept.

    A process that asks for what another one makes waits for it. A ``make`` that is cut off leaves nothing to be found.
    """
    return kept_folder(
        FOLDER / name,
        make,
        on_wait=lambda: log.info("another process trains the same", name=name),
        on_found=lambda: log.info("kept training found", folder=str(FOLDER / name)),
    )

"""The training cache of this machine, shared by all its stacks: a training is not repeated with the same inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from models import code_files
from skytier import logs
from skytier.atomic_dir import cached_dir
from skytier.settings.base import PROJECT_ROOT
from skytier.settings.spark import SparkSettings

LIBRARIES = PROJECT_ROOT / "requirements" / "jobs.txt"

log = logs.logger("train")


def folder() -> Path:
    """The folder of all trainings; they depend on code and data, not on SKYTIER_HOME."""
    return SparkSettings().cache_folder / "models"


def key(modules: tuple[str, ...], options: Mapping[str, str]) -> str:
    """The cache key of a training: a hash of its code, its libraries and its options.

    The code is that of ``modules`` and of all modules of this project that they import, directly or not.
    """
    digest = hashlib.sha256(json.dumps(dict(options), sort_keys=True).encode())
    for path in (*code_files.imported_by(*modules), LIBRARIES):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def find_or_train(key: str, train: Callable[[Path], object]) -> Path:
    """The cached folder of a key. On a miss, ``train`` fills a folder, which is then cached.

    A process that needs the result of a running training waits for it. An interrupted training leaves no entry.
    """
    return cached_dir(
        folder() / key,
        train,
        on_wait=lambda: log.info("waiting for the same training in another process", key=key),
        on_found=lambda: log.info("training cache hit", folder=str(folder() / key)),
    )

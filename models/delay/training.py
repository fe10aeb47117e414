"""Training of the delay model: all stages, the card, and the metrics on days that were not trained on."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from models.card import CARD, checksums
from models.delay import drift_reference, evaluation, features
from models.delay.delay_model import ACCURATE_WITHIN_MINUTES, load
from models.delay.samples import Samples, Split
from models.delay.stage_training import COVERAGE, train_stage
from models.training_progress import OnProgress, ignore_progress, sub_progress
from skytier import logs

MODULES = ("models.delay.training", "models.delay.training_data")
"""The modules whose code, with all that they import, decides the result of a training."""

_STAGES = (features.BEFORE, features.AFTER)
_LIBRARIES = ("xgboost-cpu", "numpy", "pandas", "scipy")

log = logs.logger("train")


def train(samples: Samples, folder: Path, on_progress: OnProgress = ignore_progress) -> dict[str, Any]:
    """Train all stages, write the model's files and its card to ``folder``, and return the card."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    card = _train_stages(samples, folder, on_progress)
    _write_card(folder, card)
    model = load(folder)
    references = {stage: drift_reference.reference(model, samples, stage) for stage in _STAGES}
    (folder / drift_reference.REFERENCE).write_text(json.dumps(references))
    card["files"] = checksums(folder)
    card["version"] += "-" + hashlib.sha256("".join(card["files"].values()).encode()).hexdigest()[:8]
    card["metrics"] = evaluation.metrics_on_test_days(model, samples)
    card["baselines"] = {
        stage: evaluation.baselines(samples.of(stage, "train"), samples.of(stage, "test")) for stage in _STAGES
    }
    card["seconds"] = round(time.monotonic() - began, 1)
    _write_card(folder, card)
    log.info("trained", version=card["version"], rows=len(samples.frame), seconds=card["seconds"])
    return card


def _train_stages(samples: Samples, folder: Path, on_progress: OnProgress) -> dict[str, Any]:
    """Train each stage; the card without what is measured afterwards."""
    known = samples.frame[samples.frame["day"] < pd.Timestamp(samples.split.tune)]
    categories = {name: sorted(known[name].dropna().unique().tolist()) for name in features.CATEGORIES}
    progress = [sub_progress(on_progress, at / len(_STAGES), (at + 1) / len(_STAGES)) for at in range(len(_STAGES))]
    stages = {
        stage: train_stage(samples, stage, categories, folder, of_stage)
        for stage, of_stage in zip(_STAGES, progress, strict=True)
    }
    trained_at = datetime.now(UTC)
    return {
        "version": f"{trained_at:%Y%m%dT%H%M%SZ}",
        "trained_at": trained_at.isoformat(timespec="seconds"),
        "data": samples.description,
        "split": _days(samples.split),
        "interval_share": COVERAGE,
        "accurate_within_minutes": ACCURATE_WITHIN_MINUTES,
        "categories": categories,
        "stages": stages,
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "files": checksums(folder),
    }


def _days(split: Split) -> dict[str, list[str]]:
    """First and last day (ISO) of each part, as the card holds them."""
    one = timedelta(days=1)
    return {
        "train": [split.first.isoformat(), (split.tune - one).isoformat()],
        "tune": [split.tune.isoformat(), (split.test - one).isoformat()],
        "test": [split.test.isoformat(), split.last.isoformat()],
    }


def _write_card(folder: Path, card: dict[str, Any]) -> None:
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n")

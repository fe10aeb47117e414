"""Answers where no Redis is there: asked anew, and as old as the question."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pydantic import SecretStr

from skytier.cache import Cache, Origin, Question
from skytier.settings.redis import RedisSettings

pytestmark = pytest.mark.plain

NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:1"))


def test_an_answer_is_as_old_as_the_question() -> None:
    asked_at = []

    def ask() -> pa.Table:
        asked_at.append(datetime.now(UTC))
        return pa.table({"number": [1]})

    answer = Cache(NOWHERE).get(Question("plain", ask, 300))
    assert answer.origin is Origin.UNCACHED
    assert answer.as_of <= asked_at[0]
    assert answer.seconds >= 0

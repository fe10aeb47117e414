"""Results without Redis: the query runs, and the result is as old as its start."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pydantic import SecretStr

from skytier.cache import Cache, Origin, Query
from skytier.settings.redis import RedisSettings

pytestmark = pytest.mark.plain

NOWHERE = RedisSettings(url=SecretStr("redis://127.0.0.1:1"))


def test_a_result_is_as_old_as_the_start_of_its_query() -> None:
    started_at = []

    def run() -> pa.Table:
        started_at.append(datetime.now(UTC))
        return pa.table({"number": [1]})

    result = Cache(NOWHERE).get(Query("plain", run, 300))
    assert result.origin is Origin.UNCACHED
    assert result.as_of <= started_at[0]
    assert result.seconds >= 0

"""Cache tags are keyed by pipeline, and a job that invalidates one does not fail without Redis."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from skytier.cache import CacheTag, invalidate
from skytier.settings.redis import RedisSettings

pytestmark = pytest.mark.plain


def test_tags_are_keyed_by_pipeline() -> None:
    tags = [CacheTag.batches("flights"), CacheTag.batches("fares"), CacheTag.archives("flights")]
    keys = {tag.key() for tag in (*tags, CacheTag.archives("fares"), CacheTag.acknowledgements())}
    assert len(keys) == 5
    assert all(key.startswith("skytier:") for key in keys)  # what the stack's Redis user may write
    assert CacheTag.batches("flights") == tags[0]


def test_a_tag_is_invalidated_without_redis_at_no_cost(capfd: pytest.CaptureFixture[str]) -> None:
    invalidate(CacheTag.batches("flights"), RedisSettings(url=SecretStr("redis://127.0.0.1:1")))
    assert "cache tag not invalidated" in "".join(capfd.readouterr())

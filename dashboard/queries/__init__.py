"""What the pages ask: each function gives a ``Question`` for the cache. ``tiers`` knows how to ask the servers."""

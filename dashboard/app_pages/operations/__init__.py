"""Operations & Monitoring: page, queries, charts and texts."""

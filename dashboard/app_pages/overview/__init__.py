"""Real-Time Overview: page, queries, charts and texts."""

"""Streaming Analytics: page, queries, charts and texts."""

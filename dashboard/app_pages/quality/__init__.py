"""Data Quality & Metadata: page, queries, charts and texts."""

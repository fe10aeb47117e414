"""Prediction & Insights: page, queries, charts and texts."""

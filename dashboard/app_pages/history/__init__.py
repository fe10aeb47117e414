"""Historical Analytics: page, queries, charts and texts."""

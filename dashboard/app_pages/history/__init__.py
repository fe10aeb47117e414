"""Historical Analytics: the page, what it queries, how it draws it and what it says."""

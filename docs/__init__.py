"""Documents, and what makes some of them from code."""

"""Event contracts, one a file."""

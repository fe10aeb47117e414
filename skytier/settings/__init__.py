"""All settings: a module a concern, each with one class, read from ``SKYTIER_...`` variables."""

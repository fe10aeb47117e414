"""All settings: one module per concern, one class per module, read from ``SKYTIER_...`` variables."""

"""The dashboard in a real browser, against the running stack."""

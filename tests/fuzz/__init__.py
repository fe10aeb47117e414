"""Records of every kind against the real job."""

"""The delay model: features, training, evaluation, scoring and drift of predicted arrival delays."""

REGISTRY_ROOT = "/models/delay"
"""The folder on HDFS of the versions of the delay model."""

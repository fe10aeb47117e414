"""The OpenSky Network as a source: its state vectors of aircraft, on their way to HDFS and Kafka."""

"""What a pipeline of events is, and how its batches get from Kafka into both tiers, each event once."""

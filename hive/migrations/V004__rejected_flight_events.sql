-- What was not let in, as it came, with every reason: nothing is dropped in silence.

CREATE TABLE IF NOT EXISTS flight_dw.rejected_flight_events (
  kafka_topic string COMMENT 'topic of the record',
  kafka_partition int COMMENT 'partition of the record',
  kafka_offset bigint COMMENT 'offset of the record',
  kafka_key string COMMENT 'key of the record',
  raw_value string COMMENT 'the record as it came, where it is UTF-8 text',
  raw_value_base64 string COMMENT 'the record as it came, in Base64, where it is not',
  event_id string COMMENT 'event_id, where it could be read',
  reasons array<string> COMMENT 'every reason to reject it',
  ingestion_timestamp timestamp COMMENT 'when Kafka took the event in',
  processing_timestamp timestamp COMMENT 'when the batch began',
  batch_id bigint COMMENT 'batch of the minute job that stored the row',
  processing_date date COMMENT 'UTC date of the newest ingestion_timestamp of the batch'
)
USING iceberg
PARTITIONED BY (processing_date)
COMMENT 'Records that are no valid events'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.spark.fanout.enabled' = 'true',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

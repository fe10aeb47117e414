-- What is known about batches, archives and versions of the event contract. Sizes in MB are of 1,000,000 bytes.
-- A batch is complete when its file /metadata/batch_<batch_id>.json exists; its row here was written just before.

CREATE TABLE IF NOT EXISTS flight_dw.batch_metadata (
  batch_id bigint COMMENT 'generation of the checkpoint * 1000000000 + number of the batch',
  processing_date date COMMENT 'UTC date of the newest ingestion_timestamp',
  started_at timestamp COMMENT 'when the batch began',
  committed_at timestamp COMMENT 'when all other stores had it',
  consumed bigint COMMENT 'records taken from Kafka = stored + duplicates + rejected',
  stored bigint COMMENT 'events written to both tiers',
  duplicates bigint COMMENT 'records that repeat a stored event',
  rejected bigint COMMENT 'records that are no valid events',
  record_count bigint COMMENT 'the same as stored',
  rejected_by_reason map<string, bigint> COMMENT 'records by reason; a record may have several',
  events_by_type map<string, bigint> COMMENT 'stored events by event_type',
  kafka_offsets string COMMENT 'JSON: topic, partition, [from, to)',
  event_time_min timestamp COMMENT 'first event_time',
  event_time_max timestamp COMMENT 'last event_time',
  ingestion_time_min timestamp COMMENT 'first ingestion_timestamp',
  ingestion_time_max timestamp COMMENT 'last ingestion_timestamp',
  mean_quality_score double COMMENT 'mean quality_score of the stored events',
  file_size_mb double COMMENT 'size of the raw batch, MB',
  schema_name string COMMENT 'event contract',
  schema_version int COMMENT 'version of the event contract',
  storage_location string COMMENT 'folder of the raw batch on HDFS',
  step_seconds map<string, double> COMMENT 'time of each step, s',
  application_id string COMMENT 'Spark application that wrote it'
)
USING iceberg
COMMENT 'The books of each batch of the minute job'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

CREATE TABLE IF NOT EXISTS flight_dw.archive_metadata (
  archive_id string COMMENT 'archive, as in archive_<timestamp>',
  archived_at timestamp COMMENT 'when it was published',
  record_count bigint COMMENT 'events in it',
  file_size_mb double COMMENT 'size of its files, MB',
  schema_name string COMMENT 'event contract',
  schema_version int COMMENT 'version of the event contract',
  storage_location string COMMENT 'folder of its files on HDFS',
  checksum string COMMENT 'checksum of its content, independent of order',
  event_time_min timestamp COMMENT 'first event_time',
  event_time_max timestamp COMMENT 'last event_time',
  state string COMMENT 'planned, exported, verified, published, purged, done',
  step_seconds map<string, double> COMMENT 'time of each step, s'
)
USING iceberg
COMMENT 'The archives of the hot tier'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

CREATE TABLE IF NOT EXISTS flight_dw.schema_metadata (
  schema_name string COMMENT 'event contract',
  version int COMMENT 'version of the contract',
  fingerprint string COMMENT 'SHA-256 of what the contract demands',
  registered_at timestamp COMMENT 'when the warehouse first had it',
  field_count int COMMENT 'fields, those of weather included',
  schema_json string COMMENT 'the contract as JSON schema'
)
USING iceberg
COMMENT 'Every version of the event contract that the warehouse has had'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

-- What was predicted, and when.

CREATE TABLE IF NOT EXISTS flight_dw.predictions (
  event_id string COMMENT 'event that the prediction was made on',
  flight_id string COMMENT 'flight that it is about',
  stage string COMMENT 'before_departure or after_departure',
  predicted_at timestamp COMMENT 'when it was made',
  predicted_delay_minutes double COMMENT 'predicted arrival delay, min',
  predicted_delay_lower_minutes double COMMENT 'lower bound, min',
  predicted_delay_upper_minutes double COMMENT 'upper bound, min',
  confidence double COMMENT '0 to 1',
  model_version string COMMENT 'version of the model',
  batch_id bigint COMMENT 'batch of the minute job',
  prediction_date date COMMENT 'UTC date of the newest ingestion_timestamp of the batch'
)
USING iceberg
PARTITIONED BY (prediction_date)
COMMENT 'Delay predictions, one row an event that was scored'
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

-- How far each day's flights are from what a model was trained on, and how far its predictions erred.

CREATE TABLE IF NOT EXISTS flight_dw.model_drift (
  flight_date date COMMENT 'local date of the scheduled departure',
  model_version string COMMENT 'version of the delay model',
  stage string COMMENT 'before_departure, after_departure',
  measure string COMMENT 'feature, error',
  name string COMMENT 'name of the feature; of errors: mean_absolute_error_minutes, in_interval_pct, error_distribution',
  value double COMMENT 'population stability index of a feature or of error_distribution; else the figure of the day, min or %',
  reference double COMMENT 'the figure on the test days of the model, min or %; of a feature the largest index of a training day, where known',
  flights bigint COMMENT 'flights that the value is of',
  computed_at timestamp COMMENT 'when it was computed; a day is computed again while it is among the last'
)
USING iceberg
COMMENT 'Drift of the delay model: one row a flight date, version, stage and name'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

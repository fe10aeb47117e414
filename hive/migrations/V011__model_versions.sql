-- What each version of the delay model was trained on, so that accuracy on those very flights is told from the rest.

CREATE TABLE IF NOT EXISTS flight_dw.model_versions (
  model_version string COMMENT 'version of the delay model: its folder below /models/delay on HDFS',
  trained_at timestamp COMMENT 'when the training ended',
  trained_on string COMMENT 'package (the real flights of 2013, which are replayed) or warehouse (the fact table as it was then)',
  samples bigint COMMENT 'predictions of flights with a known delay, of all its days',
  train_from date COMMENT 'local date of departure of the first flights that it was trained on',
  train_to date COMMENT 'and of the last that it was trained or tuned on',
  test_from date COMMENT 'first date of the flights held out to test it',
  test_to date COMMENT 'last date of the flights held out to test it',
  mae_before_departure_minutes double COMMENT 'mean absolute error on the test days, stage before_departure, min',
  mae_after_departure_minutes double COMMENT 'mean absolute error on the test days, stage after_departure, min'
)
USING iceberg
COMMENT 'Published versions of the delay model, one row a version'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

CREATE OR REPLACE VIEW flight_dw.prediction_outcomes
COMMENT 'Predictions of flights that have arrived, with the actual delay and the error (actual minus predicted, min). is_in_training: the version was trained on this very flight; null where model_versions lacks it'
AS
SELECT
  p.event_id,
  p.flight_id,
  f.flight_date,
  f.airline,
  f.origin,
  f.destination,
  f.source,
  p.stage,
  p.model_version,
  p.predicted_at,
  p.predicted_delay_minutes,
  p.predicted_delay_lower_minutes,
  p.predicted_delay_upper_minutes,
  p.confidence,
  f.arrival_delay_minutes AS actual_delay_minutes,
  f.arrival_delay_minutes - p.predicted_delay_minutes AS error_minutes,
  f.arrival_delay_minutes BETWEEN p.predicted_delay_lower_minutes AND p.predicted_delay_upper_minutes AS is_in_interval,
  abs(f.arrival_delay_minutes - p.predicted_delay_minutes) <= 15 AS is_accurate,
  f.flight_date BETWEEN v.train_from AND v.train_to
    AND CASE v.trained_on WHEN 'package' THEN f.source = 'replay' ELSE f.processing_timestamp < v.trained_at END
    AS is_in_training
FROM flight_dw.predictions p
JOIN flight_dw.fact_flight_events f ON f.flight_id = p.flight_id AND f.event_type = 'arrived'
LEFT JOIN flight_dw.model_versions v ON v.model_version = p.model_version
WHERE p.predicted_delay_minutes IS NOT NULL AND f.arrival_delay_minutes IS NOT NULL;

CREATE OR REPLACE VIEW flight_dw.prediction_accuracy
COMMENT 'Accuracy by day, airline, origin, stage, model version and whether it was trained on the flights; errors in min, weigh them by predictions'
AS
SELECT
  flight_date,
  airline,
  origin,
  stage,
  model_version,
  is_in_training,
  count(*) AS predictions,
  avg(abs(error_minutes)) AS mean_absolute_error_minutes,
  sqrt(avg(error_minutes * error_minutes)) AS root_mean_squared_error_minutes,
  avg(error_minutes) AS mean_error_minutes,
  100.0D * count_if(is_in_interval) / count(*) AS in_interval_pct,
  avg(predicted_delay_upper_minutes - predicted_delay_lower_minutes) AS mean_interval_minutes,
  100.0D * count_if(is_accurate) / count(*) AS accurate_pct,
  avg(confidence) AS mean_confidence
FROM flight_dw.prediction_outcomes
GROUP BY flight_date, airline, origin, stage, model_version, is_in_training;

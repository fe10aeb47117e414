-- What was predicted about a flight, beside what became of it.

ALTER TABLE flight_dw.fact_flight_events ADD COLUMNS (
  predicted_before_departure_minutes double COMMENT 'arrival delay that was predicted two hours before departure, on arrived events, min',
  error_before_departure_minutes double COMMENT 'actual minus that prediction, on arrived events, min',
  predicted_after_departure_minutes double COMMENT 'arrival delay that was predicted at departure, on arrived events, min',
  error_after_departure_minutes double COMMENT 'actual minus that prediction, on arrived events, min'
);

CREATE OR REPLACE VIEW flight_dw.prediction_outcomes
COMMENT 'Predictions of flights that have arrived, with the actual delay and the error (actual minus predicted, min)'
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
  abs(f.arrival_delay_minutes - p.predicted_delay_minutes) <= 15 AS is_accurate
FROM flight_dw.predictions p
JOIN flight_dw.fact_flight_events f ON f.flight_id = p.flight_id AND f.event_type = 'arrived'
WHERE p.predicted_delay_minutes IS NOT NULL AND f.arrival_delay_minutes IS NOT NULL;

CREATE OR REPLACE VIEW flight_dw.prediction_accuracy
COMMENT 'Accuracy by day, airline, origin, stage and model version; errors in min, weigh them by predictions'
AS
SELECT
  flight_date,
  airline,
  origin,
  stage,
  model_version,
  count(*) AS predictions,
  avg(abs(error_minutes)) AS mean_absolute_error_minutes,
  sqrt(avg(error_minutes * error_minutes)) AS root_mean_squared_error_minutes,
  avg(error_minutes) AS mean_error_minutes,
  100.0D * count_if(is_in_interval) / count(*) AS in_interval_pct,
  avg(predicted_delay_upper_minutes - predicted_delay_lower_minutes) AS mean_interval_minutes,
  100.0D * count_if(is_accurate) / count(*) AS accurate_pct,
  avg(confidence) AS mean_confidence
FROM flight_dw.prediction_outcomes
GROUP BY flight_date, airline, origin, stage, model_version;

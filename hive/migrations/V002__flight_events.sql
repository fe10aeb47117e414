-- The events. Each batch of the minute job replaces its own rows (batch_id) in one commit, so a repeated batch changes
-- nothing. No distribution before a write: a batch is one partition, and shuffling it would only cost time.

CREATE TABLE IF NOT EXISTS flight_dw.staging_flight_events (
  event_id string COMMENT '<flight_id>:<event_type>, the identity everywhere',
  event_type string COMMENT "the moment of the flight's life",
  flight_id string COMMENT "<date>-<airline>-<number>-<origin>; the date is the scheduled departure's, local at the origin",
  event_time timestamp COMMENT 'when it happened: scheduled two hours before the scheduled departure, departed and arrived at the actual times, cancelled at the scheduled departure, diverted at the scheduled arrival',
  airline string COMMENT 'IATA code of the airline',
  flight_number int COMMENT 'flight number without the airline',
  tail_number string COMMENT 'registration of the aircraft',
  origin string COMMENT 'IATA code of the airport of departure',
  destination string COMMENT 'IATA code of the planned airport of arrival',
  scheduled_departure timestamp COMMENT 'departure by the timetable',
  scheduled_arrival timestamp COMMENT 'arrival by the timetable',
  actual_departure timestamp COMMENT 'departure from the gate, once known',
  actual_arrival timestamp COMMENT 'arrival at the gate, once known',
  departure_delay_minutes double COMMENT 'departure delay, negative = early, min',
  arrival_delay_minutes double COMMENT 'arrival delay, negative = early, min',
  distance_miles double COMMENT 'distance between the two airports, mi',
  weather struct<
    temperature_f: double COMMENT 'air temperature, °F',
    dew_point_f: double COMMENT 'dew point, °F',
    humidity_pct: double COMMENT 'relative humidity, %',
    wind_direction_deg: double COMMENT 'direction that the wind comes from, °',
    wind_speed_mph: double COMMENT 'wind speed, mph',
    wind_gust_mph: double COMMENT 'speed of gusts, where there were any, mph',
    precipitation_in: double COMMENT 'precipitation in the hour, in',
    pressure_hpa: double COMMENT 'pressure at sea level, hPa',
    visibility_miles: double COMMENT 'visibility, mi'
  > COMMENT 'last observation at the origin no later than event_time',
  passengers int COMMENT 'passengers (synthetic source)',
  ticket_price_usd double COMMENT 'mean ticket price (synthetic source), USD',
  source string COMMENT 'what published the event: replay, synthetic, ...',
  schema_version int COMMENT 'version of this contract',
  quality_score double COMMENT '0 (worst) to 1 (nothing to object to)',
  quality_flags array<string> COMMENT 'doubts about the event, by name',
  ingestion_timestamp timestamp COMMENT 'when Kafka took the event in',
  processing_timestamp timestamp COMMENT 'when the batch began',
  batch_id bigint COMMENT 'batch of the minute job that stored the row',
  processing_date date COMMENT 'UTC date of the newest ingestion_timestamp of the batch'
)
USING iceberg
PARTITIONED BY (processing_date)
COMMENT 'Valid events, cleaned, as the contract has them; each event once'
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

CREATE TABLE IF NOT EXISTS flight_dw.fact_flight_events (
  event_id string COMMENT '<flight_id>:<event_type>, the identity everywhere',
  event_type string COMMENT "the moment of the flight's life",
  flight_id string COMMENT "<date>-<airline>-<number>-<origin>; the date is the scheduled departure's, local at the origin",
  event_time timestamp COMMENT 'when it happened: scheduled two hours before the scheduled departure, departed and arrived at the actual times, cancelled at the scheduled departure, diverted at the scheduled arrival',
  airline string COMMENT 'IATA code of the airline',
  flight_number int COMMENT 'flight number without the airline',
  tail_number string COMMENT 'registration of the aircraft',
  origin string COMMENT 'IATA code of the airport of departure',
  destination string COMMENT 'IATA code of the planned airport of arrival',
  scheduled_departure timestamp COMMENT 'departure by the timetable',
  scheduled_arrival timestamp COMMENT 'arrival by the timetable',
  actual_departure timestamp COMMENT 'departure from the gate, once known',
  actual_arrival timestamp COMMENT 'arrival at the gate, once known',
  departure_delay_minutes double COMMENT 'departure delay, negative = early, min',
  arrival_delay_minutes double COMMENT 'arrival delay, negative = early, min',
  distance_miles double COMMENT 'distance between the two airports, mi',
  passengers int COMMENT 'passengers (synthetic source)',
  ticket_price_usd double COMMENT 'mean ticket price (synthetic source), USD',
  source string COMMENT 'what published the event: replay, synthetic, ...',
  schema_version int COMMENT 'version of this contract',
  flight_date date COMMENT 'date of the scheduled departure, local at the origin',
  route string COMMENT 'origin and destination, as in EWR-IAH',
  hour int COMMENT 'hour of the scheduled departure, local at the origin, 0 to 23',
  day_of_week int COMMENT 'day of the scheduled departure, local at the origin, 1 = Monday to 7 = Sunday',
  month int COMMENT 'month of the scheduled departure, local at the origin, 1 to 12',
  scheduled_block_minutes double COMMENT 'gate to gate by the timetable, min',
  actual_block_minutes double COMMENT 'gate to gate as flown, min',
  delay_recovered_minutes double COMMENT 'departure delay minus arrival delay, min',
  average_speed_mph double COMMENT 'distance over actual block time, mph',
  is_delayed boolean COMMENT '15 minutes late or more at arrival, before that at departure; null while unknown',
  weather_temperature_f double COMMENT 'air temperature at the origin, °F',
  weather_dew_point_f double COMMENT 'dew point at the origin, °F',
  weather_humidity_pct double COMMENT 'relative humidity at the origin, %',
  weather_wind_direction_deg double COMMENT 'direction that the wind comes from at the origin, °',
  weather_wind_speed_mph double COMMENT 'wind speed at the origin, mph',
  weather_wind_gust_mph double COMMENT 'speed of gusts, where there were any at the origin, mph',
  weather_precipitation_in double COMMENT 'precipitation in the hour at the origin, in',
  weather_pressure_hpa double COMMENT 'pressure at sea level at the origin, hPa',
  weather_visibility_miles double COMMENT 'visibility at the origin, mi',
  quality_score double COMMENT '0 (worst) to 1 (nothing to object to)',
  quality_flags array<string> COMMENT 'doubts about the event, by name',
  ingestion_timestamp timestamp COMMENT 'when Kafka took the event in',
  processing_timestamp timestamp COMMENT 'when the batch began',
  batch_id bigint COMMENT 'batch of the minute job that stored the row',
  processing_date date COMMENT 'UTC date of the newest ingestion_timestamp of the batch',
  predicted_delay_minutes double COMMENT 'predicted arrival delay, min',
  predicted_delay_lower_minutes double COMMENT 'lower bound of the prediction, min',
  predicted_delay_upper_minutes double COMMENT 'upper bound of the prediction, min',
  prediction_confidence double COMMENT '0 to 1',
  prediction_stage string COMMENT 'before_departure or after_departure',
  model_version string COMMENT 'version of the model that predicted',
  prediction_error_minutes double COMMENT 'actual minus predicted arrival delay, on arrived events, min'
)
USING iceberg
PARTITIONED BY (processing_date)
COMMENT 'Valid events, enriched and flattened; each event once'
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

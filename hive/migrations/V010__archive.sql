-- The archives of the hot tier. The files of archived_flight_events are written and verified before their partition is
-- added; archive_state says, in one commit, from when on queries count them and no longer the hot events they are of.

CREATE TABLE IF NOT EXISTS flight_dw.archived_flight_events (
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
  route string COMMENT 'origin and destination, as in EWR-IAH',
  hour int COMMENT 'hour of the scheduled departure, local at the origin, 0 to 23',
  day_of_week int COMMENT 'day of the scheduled departure, local at the origin, 1 = Monday to 7 = Sunday',
  month int COMMENT 'month of the scheduled departure, local at the origin, 1 to 12',
  scheduled_block_minutes double COMMENT 'gate to gate by the timetable, min',
  actual_block_minutes double COMMENT 'gate to gate as flown, min',
  delay_recovered_minutes double COMMENT 'departure delay minus arrival delay, min',
  average_speed_mph double COMMENT 'distance over actual block time, mph',
  is_delayed boolean COMMENT '15 minutes late or more at arrival, before that at departure; null while unknown',
  flight_date string COMMENT 'date of the scheduled departure, local at the origin, as 2013-01-31',
  quality_score double COMMENT '0 (worst) to 1 (nothing to object to)',
  quality_flags array<string> COMMENT 'doubts about the event, by name',
  ingestion_timestamp timestamp COMMENT 'when Kafka took the event in',
  processing_timestamp timestamp COMMENT 'when the batch began',
  batch_id bigint COMMENT 'batch of the minute job that stored the event',
  processing_date string COMMENT 'UTC date of the newest ingestion_timestamp of the batch, as 2013-01-31',
  predicted_delay_minutes double COMMENT 'predicted arrival delay, min',
  predicted_delay_lower_minutes double COMMENT 'lower bound of the prediction, min',
  predicted_delay_upper_minutes double COMMENT 'upper bound of the prediction, min',
  prediction_confidence double COMMENT '0 to 1',
  prediction_stage string COMMENT 'before_departure or after_departure',
  model_version string COMMENT 'version of the model that predicted',
  prediction_error_minutes double COMMENT 'actual minus predicted arrival delay, on arrived events, min',
  predicted_before_departure_minutes double COMMENT 'arrival delay that was predicted two hours before departure, on arrived events, min',
  error_before_departure_minutes double COMMENT 'actual minus that prediction, on arrived events, min',
  predicted_after_departure_minutes double COMMENT 'arrival delay that was predicted at departure, on arrived events, min',
  error_after_departure_minutes double COMMENT 'actual minus that prediction, on arrived events, min',
  other_fields string COMMENT 'what else the document held, as canonical extended JSON; null in an ordinary one',
  archive_id string COMMENT 'archive that holds the event'
)
USING parquet
PARTITIONED BY (archive_id)
COMMENT 'Events that left the hot tier, as their documents were; query tiers.flight_events, which knows which of them count'
LOCATION '/archive/mongodb_archive';

CREATE TABLE IF NOT EXISTS flight_dw.archive_state (
  archive_id string COMMENT 'archive, as in archive_<timestamp>',
  state string COMMENT 'published: its events are in both tiers; purged: only in the archive; restored: some are back in the hot tier; merged, expired or abandoned: in neither by this archive',
  selections array<struct<event_time_before:timestamp,batches:array<struct<first:bigint,last:bigint>>>> COMMENT 'which events of the hot tier are of this archive or an earlier one: those before a time that came with one of some batches',
  committed_at timestamp COMMENT 'when it came to be so'
)
USING iceberg
COMMENT 'What queries see of each archive; one commit decides'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

CREATE TABLE IF NOT EXISTS flight_dw.archive_audit (
  at timestamp COMMENT 'when',
  actor string COMMENT 'who: user and machine',
  action string COMMENT 'what was done: plan, compact, restore, unpin, return, hold, release, expire, rebuild, fail; or what queries see from then on: published, purged, restored, expired',
  archive_id string COMMENT 'which archive; null where the action is of none',
  details string COMMENT 'JSON: counts, reasons'
)
USING iceberg
COMMENT 'Who did what with archives; rows are only ever added'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

-- Views over the cold tier: flights instead of events, and the summaries most often asked for.

CREATE OR REPLACE VIEW flight_dw.flights
COMMENT 'One row a flight: its latest state'
AS
WITH newest AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY flight_date, flight_id
      ORDER BY CASE event_type WHEN 'scheduled' THEN 1 WHEN 'departed' THEN 2 ELSE 3 END DESC
    ) AS age
  FROM flight_dw.fact_flight_events
)
SELECT
  f.flight_id,
  f.flight_date,
  f.event_type AS status,
  f.airline,
  l.name AS airline_name,
  f.flight_number,
  f.tail_number,
  f.origin,
  o.name AS origin_name,
  o.city AS origin_city,
  f.destination,
  d.name AS destination_name,
  d.city AS destination_city,
  f.route,
  f.distance_miles,
  f.scheduled_departure,
  f.scheduled_arrival,
  f.actual_departure,
  f.actual_arrival,
  f.departure_delay_minutes,
  f.arrival_delay_minutes,
  f.delay_recovered_minutes,
  f.is_delayed,
  f.scheduled_block_minutes,
  f.actual_block_minutes,
  f.average_speed_mph,
  f.hour,
  f.day_of_week,
  f.month,
  f.passengers,
  f.ticket_price_usd,
  f.quality_score,
  f.event_time AS last_event_time,
  f.source
FROM newest f
LEFT JOIN flight_dw.dim_airline l ON l.iata = f.airline
LEFT JOIN flight_dw.dim_airport o ON o.iata = f.origin
LEFT JOIN flight_dw.dim_airport d ON d.iata = f.destination
WHERE f.age = 1;

CREATE OR REPLACE VIEW flight_dw.delays_by_airline_day
COMMENT 'Flights, delays (min), cancellations and diversions by airline and day'
AS
SELECT
  flight_date,
  airline,
  airline_name,
  count(*) AS flights,
  count_if(status = 'arrived') AS arrived,
  count_if(status = 'cancelled') AS cancelled,
  count_if(status = 'diverted') AS diverted,
  count_if(is_delayed) AS delayed,
  round(100.0D * count_if(is_delayed) / count(is_delayed), 1) AS delayed_pct,
  round(avg(departure_delay_minutes), 1) AS mean_departure_delay_minutes,
  round(avg(arrival_delay_minutes), 1) AS mean_arrival_delay_minutes,
  round(percentile_approx(arrival_delay_minutes, 0.9), 1) AS p90_arrival_delay_minutes
FROM flight_dw.flights
GROUP BY flight_date, airline, airline_name;

CREATE OR REPLACE VIEW flight_dw.delays_by_origin_hour
COMMENT 'Departures and their delays (min) by origin, day and local hour'
AS
SELECT
  flight_date,
  origin,
  origin_name,
  hour,
  count(*) AS flights,
  count(actual_departure) AS departed,
  count_if(status = 'cancelled') AS cancelled,
  round(avg(departure_delay_minutes), 1) AS mean_departure_delay_minutes,
  max(departure_delay_minutes) AS max_departure_delay_minutes
FROM flight_dw.flights
GROUP BY flight_date, origin, origin_name, hour;

CREATE OR REPLACE VIEW flight_dw.routes
COMMENT 'Routes: distance (mi), traffic, block times and delays (min)'
AS
SELECT
  route,
  origin,
  origin_city,
  destination,
  destination_city,
  count(*) AS flights,
  count(DISTINCT airline) AS airlines,
  max(distance_miles) AS distance_miles,
  round(avg(scheduled_block_minutes), 1) AS mean_scheduled_block_minutes,
  round(avg(actual_block_minutes), 1) AS mean_actual_block_minutes,
  round(avg(average_speed_mph), 1) AS mean_speed_mph,
  round(avg(arrival_delay_minutes), 1) AS mean_arrival_delay_minutes,
  round(100.0D * count_if(is_delayed) / count(is_delayed), 1) AS delayed_pct,
  round(100.0D * count_if(status = 'cancelled') / count(*), 1) AS cancelled_pct
FROM flight_dw.flights
GROUP BY route, origin, origin_city, destination, destination_city;

CREATE OR REPLACE VIEW flight_dw.aircraft_use
COMMENT 'What each aircraft flew: flights, miles, hours gate to gate'
AS
SELECT
  f.tail_number,
  a.manufacturer,
  a.model,
  a.year_manufactured,
  a.seats,
  count(*) AS flights,
  count(DISTINCT f.flight_date) AS days,
  sum(f.distance_miles) AS distance_miles,
  round(sum(f.actual_block_minutes) / 60, 1) AS block_hours,
  round(avg(f.arrival_delay_minutes), 1) AS mean_arrival_delay_minutes
FROM flight_dw.flights f
LEFT JOIN flight_dw.dim_aircraft a ON a.tail_number = f.tail_number
WHERE f.status = 'arrived' AND f.tail_number IS NOT NULL
GROUP BY f.tail_number, a.manufacturer, a.model, a.year_manufactured, a.seats;

CREATE OR REPLACE VIEW flight_dw.batches
COMMENT 'The books of the minute job: counts, whether they balance, times (s)'
AS
SELECT
  batch_id,
  processing_date,
  committed_at,
  consumed,
  stored,
  duplicates,
  rejected,
  consumed = stored + duplicates + rejected AS is_balanced,
  round(mean_quality_score, 4) AS mean_quality_score,
  round(CAST(committed_at AS double) - CAST(started_at AS double), 2) AS seconds,
  round(CAST(committed_at AS double) - CAST(ingestion_time_max AS double), 2) AS newest_event_latency_seconds,
  file_size_mb,
  event_time_min,
  event_time_max
FROM flight_dw.batch_metadata;

CREATE OR REPLACE VIEW flight_dw.rejections_by_reason
COMMENT 'Rejected records by day and reason; a record may have several reasons'
AS
SELECT processing_date, reason, count(*) AS records
FROM flight_dw.rejected_flight_events
LATERAL VIEW explode(reasons) exploded AS reason
GROUP BY processing_date, reason;

CREATE OR REPLACE VIEW flight_dw.quality_flags_by_day
COMMENT 'Events by day and quality flag; an event may have several flags'
AS
SELECT processing_date, flag, count(*) AS events
FROM flight_dw.staging_flight_events
LATERAL VIEW explode(quality_flags) exploded AS flag
GROUP BY processing_date, flag;

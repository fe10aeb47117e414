-- Every event of the flights that arrived latest: what was known, and when.
WITH latest AS (
  SELECT flight_id, arrival_delay_minutes AS final_delay_minutes
  FROM flight_dw.flights
  WHERE status = 'arrived'
  ORDER BY arrival_delay_minutes DESC
  LIMIT 5
)
SELECT
  e.flight_id,
  e.event_type,
  e.event_time,
  e.departure_delay_minutes,
  e.arrival_delay_minutes,
  e.ingestion_timestamp
FROM flight_dw.fact_flight_events e
JOIN latest l ON l.flight_id = e.flight_id
ORDER BY l.final_delay_minutes DESC, e.flight_id, e.event_time;

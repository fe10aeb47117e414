-- Departure delay against the wind at the origin when the aircraft left, in steps of 5 mph.
SELECT
  CAST(floor(weather_wind_speed_mph / 5) * 5 AS int) AS wind_from_mph,
  count(*) AS departures,
  round(avg(departure_delay_minutes), 1) AS mean_departure_delay_minutes,
  round(100.0D * count_if(departure_delay_minutes >= 15) / count(*), 1) AS delayed_pct
FROM flight_dw.fact_flight_events
WHERE event_type = 'departed' AND weather_wind_speed_mph IS NOT NULL
GROUP BY 1
ORDER BY 1;

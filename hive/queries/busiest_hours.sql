-- When each airport is busiest, and how delays build up over the day (local hours).
SELECT
  origin,
  hour,
  sum(flights) AS flights,
  round(sum(mean_departure_delay_minutes * departed) / sum(departed), 1) AS mean_departure_delay_minutes
FROM flight_dw.delays_by_origin_hour
GROUP BY origin, hour
ORDER BY origin, hour;

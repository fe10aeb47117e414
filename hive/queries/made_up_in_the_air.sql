-- Routes whose late departures make up the most time on the way.
SELECT
  route,
  origin_city,
  destination_city,
  count(*) AS late_departures,
  round(avg(delay_recovered_minutes), 1) AS mean_recovered_minutes
FROM flight_dw.flights
WHERE status = 'arrived' AND departure_delay_minutes >= 15
GROUP BY route, origin_city, destination_city
HAVING count(*) >= 5
ORDER BY mean_recovered_minutes DESC
LIMIT 20;

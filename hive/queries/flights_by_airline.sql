-- Real flights by airline, with how many were late or never left.
SELECT
  airline,
  airline_name,
  count(*) AS flights,
  count_if(status = 'cancelled') AS cancelled,
  count_if(is_delayed) AS delayed,
  round(avg(arrival_delay_minutes), 1) AS mean_arrival_delay_minutes
FROM flight_dw.flights
GROUP BY airline, airline_name
ORDER BY flights DESC;

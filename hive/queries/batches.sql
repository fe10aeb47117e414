-- The batches of the minute job by day: what came in was stored, known already, or rejected.
SELECT
  processing_date,
  count(*) AS batches,
  sum(consumed) AS consumed,
  sum(stored) AS stored,
  sum(duplicates) AS duplicates,
  sum(rejected) AS rejected,
  bool_and(counts_match) AS counts_match,
  round(avg(mean_quality_score), 4) AS mean_quality_score,
  round(max(newest_event_latency_seconds), 1) AS slowest_seconds
FROM flight_dw.batches
GROUP BY processing_date
ORDER BY processing_date;

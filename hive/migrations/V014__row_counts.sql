-- The batches in the terms of reconciliation. The column is_balanced of the view is counts_match now.

ALTER TABLE flight_dw.batch_metadata SET TBLPROPERTIES ('comment' = 'One row a batch of the minute job: counts, times, offsets');

CREATE OR REPLACE VIEW flight_dw.batches
COMMENT 'Batches of the minute job: counts, whether consumed is stored + duplicates + rejected, times (s)'
AS
SELECT
  batch_id,
  processing_date,
  committed_at,
  consumed,
  stored,
  duplicates,
  rejected,
  consumed = stored + duplicates + rejected AS counts_match,
  round(mean_quality_score, 4) AS mean_quality_score,
  round(CAST(committed_at AS double) - CAST(started_at AS double), 2) AS seconds,
  round(CAST(committed_at AS double) - CAST(ingestion_time_max AS double), 2) AS newest_event_latency_seconds,
  file_size_mb,
  event_time_min,
  event_time_max
FROM flight_dw.batch_metadata;

-- The history of a table: each commit and what it changed. Any snapshot can be read: ... VERSION AS OF <snapshot_id>.
SELECT
  committed_at,
  snapshot_id,
  operation,
  summary['added-records'] AS added_records,
  summary['total-records'] AS total_records,
  summary['total-data-files'] AS total_data_files
FROM flight_dw.fact_flight_events.snapshots
ORDER BY committed_at DESC
LIMIT 20;

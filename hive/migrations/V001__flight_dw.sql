-- The database, and the table that remembers which migrations it has had.
-- A statement ends with a semicolon at the end of a line, and may be run again: IF NOT EXISTS everywhere.

CREATE DATABASE IF NOT EXISTS flight_dw COMMENT 'The cold tier of the flight warehouse';

CREATE TABLE IF NOT EXISTS flight_dw.schema_migrations (
  version int COMMENT 'number of the migration',
  name string COMMENT 'what it is about',
  checksum string COMMENT 'SHA-256 of its statements',
  applied_at timestamp COMMENT 'when it was applied'
)
USING iceberg
COMMENT 'Migrations of this database that were applied'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

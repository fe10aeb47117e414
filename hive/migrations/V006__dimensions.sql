-- Reference data, loaded by 'skytier warehouse migrate'.

CREATE TABLE IF NOT EXISTS flight_dw.dim_airport (
  iata string COMMENT 'IATA code of the airport',
  name string COMMENT 'name',
  city string COMMENT 'city',
  subdivision string COMMENT 'state or region',
  country string COMMENT 'ISO 3166 code of the country',
  latitude_deg double COMMENT 'latitude, °',
  longitude_deg double COMMENT 'longitude, °',
  elevation_ft double COMMENT 'elevation, ft',
  timezone string COMMENT 'time zone, IANA name'
)
USING iceberg
COMMENT 'Airports'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

CREATE TABLE IF NOT EXISTS flight_dw.dim_airline (
  iata string COMMENT 'IATA code of the airline',
  name string COMMENT 'name'
)
USING iceberg
COMMENT 'Airlines'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

CREATE TABLE IF NOT EXISTS flight_dw.dim_aircraft (
  tail_number string COMMENT 'registration',
  year_manufactured int COMMENT 'year of manufacture',
  aircraft_type string COMMENT 'kind of aircraft',
  manufacturer string COMMENT 'manufacturer',
  model string COMMENT 'model',
  engines int COMMENT 'number of engines',
  seats int COMMENT 'number of seats',
  engine_type string COMMENT 'kind of engine'
)
USING iceberg
COMMENT 'Aircraft by registration'
TBLPROPERTIES (
  'format-version' = '2',
  'write.parquet.compression-codec' = 'zstd',
  'write.distribution-mode' = 'none',
  'write.target-file-size-bytes' = '134217728',
  'write.metadata.delete-after-commit.enabled' = 'true',
  'write.metadata.previous-versions-max' = '20',
  'commit.retry.num-retries' = '10'
);

-- The newest rejected records, as they came, with every reason.
SELECT kafka_partition, kafka_offset, ingestion_timestamp, reasons, coalesce(raw_value, raw_value_base64) AS record
FROM flight_dw.rejected_flight_events
ORDER BY ingestion_timestamp DESC, kafka_partition, kafka_offset DESC
LIMIT 20;

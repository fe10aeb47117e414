-- A rejected record keeps its key and headers whatever their bytes are, and is known by its place and Kafka's time, so
-- that reading Kafka again does not count it again. A batch says what Kafka deleted before it was read.

ALTER TABLE flight_dw.rejected_flight_events ADD COLUMNS (
  kafka_key_base64 string COMMENT 'key of the record, in Base64, where it is not UTF-8 text',
  kafka_headers array<struct<key:string,value_base64:string>> COMMENT 'headers of the record, their values in Base64',
  kafka_timestamp timestamp COMMENT 'time that Kafka keeps with the record: of its append, unless the topic lets producers set it',
  error string COMMENT 'the step that failed at the record and what it said, where the reason is unprocessable'
);

ALTER TABLE flight_dw.batch_metadata ADD COLUMNS (
  lost bigint COMMENT 'offsets that Kafka deleted before they were read',
  lost_offsets string COMMENT 'JSON: topic, partition, [from, to) of these'
);

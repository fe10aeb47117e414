-- An arrived flight carries both its predictions whole, so that how good they were is read from one scan, with no join.

ALTER TABLE flight_dw.fact_flight_events ADD COLUMNS (
  lower_before_departure_minutes double COMMENT 'lower bound of the prediction before departure, on arrived events, min',
  upper_before_departure_minutes double COMMENT 'upper bound of the prediction before departure, on arrived events, min',
  confidence_before_departure double COMMENT 'its confidence, on arrived events, 0 to 1',
  model_version_before_departure string COMMENT 'version of the model that made it, on arrived events'
);

ALTER TABLE flight_dw.archived_flight_events ADD COLUMNS (
  lower_before_departure_minutes double COMMENT 'lower bound of the prediction before departure, on arrived events, min',
  upper_before_departure_minutes double COMMENT 'upper bound of the prediction before departure, on arrived events, min',
  confidence_before_departure double COMMENT 'its confidence, on arrived events, 0 to 1',
  model_version_before_departure string COMMENT 'version of the model that made it, on arrived events'
);

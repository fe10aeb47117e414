"""The steps of the minute job as pure functions of DataFrames and Columns: no session, no client, no clock."""

"""A stack with Airflow and the dashboard: what needs either, and what is looked for on everything that runs."""

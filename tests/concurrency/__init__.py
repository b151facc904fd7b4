"""What runs beside each other in the test of concurrency: workers like Airflow's, and a reader."""

"""The only modules of include that import Airflow."""

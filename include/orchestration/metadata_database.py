"""How Airflow's processes connect to Airflow's own database (AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS)."""

CONNECT_ARGS = {
    # a network that swallows packets is noticed within 45 s, not after the two hours of the kernel
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Arguments of libpq. No `connect_timeout`: what starts while the database hangs has to wait, not to end."""

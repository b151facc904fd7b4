# One image for every process of the platform: capture, Airflow's components, migrations, simulator.
# docker build --build-arg BASE_IMAGE=registry.example/python:3.11-slim-bookworm --build-arg REVISION=… -t power-desk-pnl .
ARG BASE_IMAGE=python:3.11-slim-bookworm

# --- the packages, in an environment of their own; what builds it stays behind
FROM ${BASE_IMAGE} AS packages
# Compiled here, once: at run time nobody may write there. Some images switch this off.
ENV PYTHONDONTWRITEBYTECODE=
COPY requirements-image.txt /tmp/
RUN python -m venv --without-pip /opt/venv \
 && python -m venv /tmp/tools \
 && /tmp/tools/bin/pip install --quiet --disable-pip-version-check --no-cache-dir uv \
 && /tmp/tools/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python --compile-bytecode \
      -r /tmp/requirements-image.txt \
 && cd /opt/venv/lib/python3*/site-packages && find numpy pandas scipy -type d -name tests -prune -exec rm -rf {} +

# --- what runs
FROM ${BASE_IMAGE}
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/desk \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GX_ANALYTICS_ENABLED=false \
    OPENBLAS_NUM_THREADS=1 \
    LANDING_ROOT=/var/lib/desk/landing \
    DATA_DOCS_ROOT=/var/lib/desk/data_docs \
    REPORT_ROOT=/var/lib/desk/reports \
    AIRFLOW_HOME=/var/lib/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/desk/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/desk/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__CORE__HOSTNAME_CALLABLE=socket.gethostname \
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS=include.warehouse.connection.PEER_IS_GONE \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/lib/airflow/logs \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
# The id is part of the interface: volumes belong to it. Nothing is ever installed into this image, so pip goes as well.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/airflow --shell /usr/sbin/nologin desk \
 && install -d -o desk -g desk /var/lib/airflow /var/lib/airflow/logs /var/lib/desk \
      /var/lib/desk/landing /var/lib/desk/statements /var/lib/desk/data_docs /var/lib/desk/reports \
 && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip* /usr/lib/python3/dist-packages/pip*
COPY --from=packages /opt/venv /opt/venv
COPY dags /opt/desk/dags
COPY plugins /opt/desk/plugins
COPY include /opt/desk/include
RUN PYTHONDONTWRITEBYTECODE= python -m compileall -q /opt/desk
WORKDIR /opt/desk
USER desk
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["python", "-m", "include.containers.health", "capture"]
CMD ["python", "-m", "include.capture"]
ARG REVISION=unknown
LABEL org.opencontainers.image.title="power-desk-pnl" \
      org.opencontainers.image.description="From a power trading desk's deals to curated PnL tables" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"

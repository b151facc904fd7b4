"""The log of a service that runs in a terminal or a container."""

import logging
import time


def log_to_stderr() -> None:
    """Sends all messages from INFO on to standard error, with their time in UTC."""
    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])

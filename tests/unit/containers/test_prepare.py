"""What cannot work in containers is refused in a sentence before anything of Airflow starts."""

import pytest

from include.containers.prepare import check
from include.errors import TerminalError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "0.0.0.0", "localhost", "LocalHost"])
@pytest.mark.parametrize(("name", "scheme"), [("EXCHANGE_URL", "ws"), ("MARKET_DATA_URL", "http")])
def test_an_address_of_this_host_is_refused_in_every_spelling(name: str, scheme: str, host: str) -> None:
    with pytest.raises(TerminalError, match=rf"{name} names this host's loopback.*host\.docker\.internal"):
        check({name: f"{scheme}://{host}:5050"})


@pytest.mark.parametrize("host", ["10.0.0.1", "exchange", "host.docker.internal", "localhost.example"])
def test_other_addresses_pass(host: str) -> None:
    check({"EXCHANGE_URL": f"ws://{host}:5050", "PIPELINE_PASSWORD": "long-enough_.~"})


@pytest.mark.parametrize(
    "password", ["short", "with space in it", "p@ssword-with-at", "per%cent-sign", "sl/ash-slash"]
)
def test_a_password_that_would_break_a_url_is_refused_without_showing_it(password: str) -> None:
    with pytest.raises(TerminalError, match="PIPELINE_PASSWORD must be") as refused:
        check({"PIPELINE_PASSWORD": password})
    assert password not in str(refused.value)

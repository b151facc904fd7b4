"""What waits for a review, and the decision on it, from the command line."""

import os
import subprocess

import pytest

from include.commands.review import main
from include.errors import TerminalError
from include.settings import PROJECT_ROOT, Settings
from tests.factories import Database
from tests.messages import deal, landed, write_landing_file
from tests.passes import validate_landed
from tests.waiting import run_module

FILE = "trades/date=2026-03-02/hour=10/a.jsonl"


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONWARNINGS": "error", "WAREHOUSE_URL": settings.warehouse_url}
    return run_module("include.commands.review", *arguments, **own)


@pytest.fixture
def in_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("WAREHOUSE_URL", settings.warehouse_url)
    return settings


def test_what_the_list_shows_can_be_decided_on(settings: Settings, database: Database) -> None:
    sent = [
        deal(id="g"),
        deal(id="o'neill", price=99_999, trader_id="\u202etrader"),
        deal(id="x", price=-99_999, direction="buy", revision=3, quantity=0.10),
        *["no json"] * 12,
        "\x1b[2J",
    ]
    write_landing_file(settings.landing_root, landed(sent))
    validate_landed(settings)
    listed = run(settings)
    assert (listed.returncode, listed.stderr) == (0, "")
    lines = listed.stdout.splitlines()
    assert lines[0] == (
        "2 trades in quarantine; expected: each price is within the exchange's bounds, -9,999.99 to"
        " 9,999.99 EUR/MWh:"
    )
    assert lines[1:3] == [
        "  TRADE='o'\"'\"'neill': sell 1.2 MW at 99999 EUR/MWh, 2026-03-02 15-16, '\\u202etrader';"
        f" FILE={FILE} LINE=2",
        "  TRADE=x revision 3: buy 0.1 MW at -99999 EUR/MWh, 2026-03-02 15-16, flex_trader_4;"
        f" FILE={FILE} LINE=3",
    ]
    decide = "  decide: make review ACTION=accept|discard REASON=… "
    assert lines[3] == decide + "EXPECTATION='bounds, -9,999.99 to 9,999.99 EUR/MWh'"
    assert lines[4] == "13 rejected messages, invalid_json:"
    assert lines[5].startswith(f"  FILE={FILE} LINE=4: ")
    assert lines[15:] == ["  … and 3 more", "  decide: make review ACTION=discard REASON=… REJECT=invalid_json"]
    assert "\x1b" not in listed.stdout

    accepted = run(settings, "--action", "accept", "--reason", "why", "--trade", "o'neill")
    assert (accepted.returncode, accepted.stderr) == (0, "")
    assert accepted.stdout == "accepted: 1 trade; the next build takes it in (1 hour of PnL)\n"
    rest = run(settings, "--action", "discard", "--reason", "why", "--file", FILE)
    assert rest.stdout == "discarded: 1 trade and 13 rejects; the next build takes it in (1 hour of PnL)\n"
    assert database.rows("SELECT trade_id, review FROM ops.quarantined_trades ORDER BY 1") == [
        ("o'neill", "accept"),
        ("x", "discard"),
    ]
    assert run(settings).stdout == "nothing waits for a review\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--action", "accept", "--reason", "why", "--trade", "4711"], "nothing that you could accept"),
        (["--action", "accept", "--trade", "4711"], "a review needs a reason"),
        (["--action", "discard", "--reason", "why", "--file", ""], "what is it about"),
        (["--trade", "4711"], "Give ACTION=accept or ACTION=discard"),
    ],
)
def test_a_wrong_command_gets_one_line(
    in_process: Settings, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(TerminalError) as error:
        main(arguments)
    assert capsys.readouterr() == ("", "")
    assert "\n" not in str(error.value)
    assert message in str(error.value)


def test_make_hands_over_what_is_given(settings: Settings, database: Database) -> None:
    """As a person types it, with quotes and blanks in the values."""
    write_landing_file(settings.landing_root, landed([deal(id="a b", price=99_999), deal(id="c", quantity=-1)]))
    validate_landed(settings)
    made = subprocess.run(
        [
            "make",
            "--silent",
            "STAMP=requirements.txt",
            "review",
            "ACTION=discard",
            "TRADE=a b",
            'REASON=it\'s "wrong"',
        ],
        cwd=PROJECT_ROOT,
        env={**os.environ, "WAREHOUSE_URL": settings.warehouse_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert database.rows("SELECT trade_id, review_reason FROM ops.quarantined_trades ORDER BY 1") == [
        ("a b", 'it\'s "wrong"'),
        ("c", None),
    ]

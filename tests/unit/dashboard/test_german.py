"""The German sentences of the API: each English one has one, with the same fields, and none is left over."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from include.dashboard.german import SENTENCES
from include.dashboard.german_stored import CAUSES, STORED
from include.dashboard.language import Sentence, stored
from include.dashboard.wording import caused_by, incomplete_because, reasons
from include.domain.rejection import DESCRIPTIONS
from include.duration import counted
from include.settings import PROJECT_ROOT

INCLUDE = PROJECT_ROOT / "include"
JOINED = {"{first}; {last}", "{first}, {last}", "{first} or {last}"}
"""Templates that `joined` makes."""


def constants(node: ast.AST) -> Iterator[str]:
    """Texts in a syntax tree; `{}` stands for the fields of f-strings."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"
                for part in each.values
            )
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def said() -> set[str]:
    """What `say` is called with."""
    found = set()
    for file in (INCLUDE / "dashboard").glob("*.py"):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                found |= {node.args[0].value} if isinstance(node.args[0], ast.Constant) else set()
    return found


def fields(template: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def pattern(template: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in template.split("{}")))


def test_each_sentence_has_a_german_one_and_none_is_left_over() -> None:
    assert set(SENTENCES) == said() | JOINED


@pytest.mark.parametrize("table", [SENTENCES, CAUSES, STORED], ids=["sentences", "causes", "stored"])
def test_both_have_the_same_fields(table: dict[str, str]) -> None:
    assert [text for text, german in table.items() if fields(text) != fields(german)] == []


def test_what_is_stored_is_stored_by_somebody() -> None:
    sources = [INCLUDE / "domain" / "rejection.py", INCLUDE / "duration.py"]
    sources += [*(INCLUDE / "health").glob("*.py"), *(INCLUDE / "expectations").glob("*.py")]
    texts = {text for source in sources for text in constants(tree(source))}
    files = (INCLUDE / "warehouse/migrations").rglob("*.sql")
    # an apostrophe in a comment begins no text
    sql = " ".join(re.sub(r"--.*", "", file.read_text("utf-8")) for file in files)
    texts |= {text.replace("''", "'").replace("%s", "{}") for text in re.findall(r"'((?:[^']|'')*)'", sql)}
    texts |= {counted(1, "delivery hour"), "{} delivery hours"}
    texts |= {part for text in texts for part in text.split("; ")}
    patterns = [pattern(text) for text in texts if len(text.replace("{}", "")) > 6]
    assert [text for text in STORED if not any(each.fullmatch(text) for each in patterns)] == []
    causes = sql.partition("VIEW curated.pnl_hourly_changes AS")[2]
    assert [cause for cause in CAUSES if f"'{cause}'" not in sql] == []
    assert causes


@pytest.mark.parametrize("text", DESCRIPTIONS.values())
def test_each_reason_of_a_reject_is_known(text: str) -> None:
    assert isinstance(stored(text), Sentence)


def descriptions() -> list[str]:
    return [
        next(constants(keyword.value))
        for node in ast.walk(tree(INCLUDE / "expectations" / "trades.py"))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "description"
    ]


@pytest.mark.parametrize("text", descriptions())
def test_each_expectation_of_trades_is_known(text: str) -> None:
    assert isinstance(stored(text.replace("{}", "1,234.5")), Sentence)


def alarms() -> list[str]:
    """Texts for traders in the rules of alarms, without what they take from elsewhere."""
    found = []
    for node in ast.walk(tree(INCLUDE / "health" / "alarm_rules.py")):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "text":
            found.append(next(constants(node.value)))
    return found


@pytest.mark.parametrize("text", alarms())
def test_each_alarm_for_traders_is_known(text: str) -> None:
    assert any(pattern(text).fullmatch(known) for known in STORED)


@pytest.mark.parametrize(
    ("english", "german"),
    [
        (
            "each price is within the exchange's bounds, -9,999.99 to 9,999.99 EUR/MWh",
            "jeder Preis liegt in den Grenzen der Börse, -9.999,99 bis 9.999,99 EUR/MWh",
        ),
        (
            "The provider changed the reference price of 1 delivery hour after it was final: PnL of these"
            " hours was calculated again.",
            "Der Anbieter hat den Referenzpreis von einer Lieferstunde geändert, nachdem er endgültig war:"
            " die PnL wurde dort neu berechnet.",
        ),
        (
            "1,204 trades are held back because a check failed, until an engineer decides.",
            "1.204 Trades sind nach einer fehlgeschlagenen Prüfung zurückgehalten, bis die Technik"
            " entscheidet.",
        ),
        (
            "2 limits reached: the portfolio, 2026-11-27: loss of 1,200.50 EUR, the limit is 1,000; anna,"
            " 2026-11-27 15-16: position of -12.5 MWh, the limit is 10; and 3 more.",
            "2 Limits erreicht: das Portfolio, 27.11.2026: Verlust von 1.200,50 EUR, das Limit ist 1.000; anna,"
            " 27.11.2026 15-16: Position von -12,5 MWh, das Limit ist 10; und 3 weitere.",
        ),
        ("trades of anna are odd", "trades of anna are odd"),
    ],
)
def test_stored_sentences_in_german(english: str, german: str) -> None:
    text = stored(english)
    assert text == english
    assert (text.in_language("de") if isinstance(text, Sentence) else text) == german


def test_reasons_in_german() -> None:
    rule = "each quantity is above 0 MW"
    rows = [
        {"reason": "trades_quarantined", "message_count": 1, "detail": rule},
        {"reason": "trades_quarantined", "message_count": 3, "detail": f"{rule}; each trade says who traded"},
        {"reason": "messages_rejected", "message_count": 2, "detail": None},
        {"reason": "price_missing", "message_count": None, "detail": "the provider answered HTTP 503"},
    ]
    assert [reason.in_language("de") for reason in reasons(rows) if isinstance(reason, Sentence)] == [
        "1 Trade ist zurückgehalten, weil er eine Regel verletzt (jede Menge liegt über 0 MW): er zählt, wenn"
        " die Technik ihn freigibt",
        "3 Trades sind zurückgehalten, weil sie eine Regel verletzen (jede Menge liegt über 0 MW; jeder Trade"
        " nennt den Händler): sie zählen, wenn die Technik sie freigibt",
        "2 Nachrichten der Börse waren nicht verwendbar: bis die Technik sie geprüft hat, können Trades fehlen",
        "der Referenzpreis ist überfällig: der Anbieter hat mit HTTP 503 geantwortet",
    ]


def test_a_gap_in_german() -> None:
    row = {"capture_gap_seconds": "0.5", "has_unreviewed_messages": False}
    (reason,) = incomplete_because(row, [])
    assert isinstance(reason, Sentence)
    assert reason == ("no connection to the exchange for less than 1 s of trading time: trades may be missing")
    assert reason.in_language("de") == (
        "keine Verbindung zur Börse während weniger als 1 s der Handelszeit: es können Trades fehlen"
    )


def test_causes_in_german() -> None:
    causes = caused_by("price status, trades")
    assert causes == "price status, trades"
    assert isinstance(causes, Sentence)
    assert causes.in_language("de") == "Preisstatus, Trades"

"""SQL in every parameter of every call of the trading desk: it stays a text, in each statement that runs."""

import re
from pathlib import Path
from random import Random
from typing import Any

import psycopg2

from tests.factories import Database
from tests.integration.dashboard.conftest import DAY, Client, Desk
from tests.torture.conftest import Torture

MARK = "zq7"
"""In every payload; nothing else on the server has it."""

PAYLOADS = [
    "' OR '1'='1", "' OR 1=1 --", "'; COMMIT; CREATE TABLE public.zq7(a int); --", "' UNION SELECT NULL --",
    "'||(SELECT version())||'", "' AND 1/0 = 1 --", "'; DROP TABLE curated.pnl_versions CASCADE; --",
    "'); DELETE FROM raw.trades; --", "\\'; SELECT 1; --", "\\", "\\\\'", "$$; SELECT 1; $$", "$zq7$",
    "%(day)s", "%s", "%%", "%' --", "_", "*", "\u02bc OR 1=1 --", "\uff07 OR 1=1 --", "\ud7ff'", "'/*", "*/'",
    "\"; SELECT 1; --", "'::regclass", "'\n;SELECT pg_sleep(9)", "' || pg_read_file('/etc/passwd') || '",
    "E'\\x27'", "\x00'", "\u202e'", "'; COPY (SELECT 1) TO PROGRAM 'touch /tmp/zq7'; --", "0x27", "1e400", "-1",
    "' OR trader_id LIKE '%", "{}", "NULL",
]  # fmt: skip
GOOD = {
    "day": str(DAY), "hour": "12-13", "trader": "anna", "from": str(DAY), "to": str(DAY), "market": "DE",
    "format": "json", "decimal": "point", "limit": "200", "as_of": "2030-01-01T00:00:00Z",
}  # fmt: skip
OF_THIS_MOMENT = ("now", "version", "data_age_seconds")
HEADERS = ("Accept-Language", "If-None-Match")
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [^\n]*? LOG:  statement: ", re.MULTILINE)
_LITERAL = re.compile(r"--[^\n]*|\bE'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'", re.DOTALL | re.IGNORECASE)
"""A text, or a comment, which may have an apostrophe."""


def payload(random: Random) -> str:
    """One, or several put together."""
    parts = random.sample(PAYLOADS, random.choice((1, 1, 2, 3)))
    return random.choice(("", GOOD["trader"], GOOD["day"])) + f" {MARK} ".join(["", *parts, ""])


def parameters(client: Client) -> list[tuple[str, str, list[str]]]:
    """Call, parameter, and all parameters of the call, as the application describes itself."""
    paths = client.get("openapi.json").json()["paths"]
    found = []
    for path, calls in sorted(paths.items()):
        names = [each["name"] for each in calls["get"].get("parameters", []) if each["in"] == "query"]
        if not path.endswith(("/events", "/version")):  # they take no parameter, whatever they are given
            found += [(path.removeprefix("/api/v1/"), name, names) for name in [*names, *HEADERS]]
    return found


def without(text: str, answer: Any) -> Any:
    """The answer, with `trader` where it repeats what was asked, and without what each moment changes."""
    if isinstance(answer, dict):
        return {name: without(text, value) for name, value in answer.items() if name not in OF_THIS_MOMENT}
    if isinstance(answer, list):
        return [without(text, value) for value in answer]
    return "trader" if answer == text else answer


def _emptied(found: re.Match[str]) -> str:
    """A literal without its text; a comment as it is, since no text may get there either."""
    return found[0] if found[0].startswith("--") else "''"


def contents(database: Database) -> list[tuple[Any, ...]]:
    """All relations, and a digest of the rows of every table of ours."""
    relations = database.rows(
        "SELECT nspname, relname, relkind FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
        " WHERE nspname !~ '^pg_' ORDER BY 1, 2"
    )
    digest = "SELECT %s, md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t"
    tables = [f"{schema}.{name}" for schema, name, kind in relations if kind in "rp"]
    return [*relations, *(database.rows(digest.format(name), (name,))[0] for name in tables)]


def test_a_text_of_a_parameter_is_never_a_statement(
    dashboard: Desk,
    client: Client,
    postgres: str,
    torture: Torture,
    postgres_folder: Path,
) -> None:
    database = dashboard.database
    name = database.value("SELECT current_database()")
    log = postgres_folder / "postgres.log"
    before, logged = contents(database), log.stat().st_size
    connection = psycopg2.connect(postgres)
    connection.autocommit = True
    connection.cursor().execute(f"ALTER DATABASE {name} SET log_statement = 'all'")
    connection.close()

    asked = parameters(client)
    assert len(asked) > 80
    refused = answered = 0
    for number in torture.trials(2 * len(asked), 25_000):
        path, target, names = asked[number % len(asked)]
        given = {each: GOOD[each] for each in names if each in GOOD and each != "as_of"}
        text = payload(torture.random)
        if target in HEADERS:
            client.session.headers[target] = " ".join(text.replace("\0", "").split()).encode()
            reply = client.get(f"api/v1/{path}", **given)
            del client.session.headers[target]
            assert reply.status_code in (200, 400, 404), (path, target, text, reply.text)
            continue
        reply = client.get(f"api/v1/{path}", **given | {target: text})
        assert reply.status_code in (200, 400, 404), (path, target, text, reply.text)
        if reply.status_code == 200:
            answered += 1
            assert target == "trader", (path, target, text)
            nobody = client.get(f"api/v1/{path}", **given | {target: "nobody"})
            assert without(text, reply.json()) == without("nobody", nobody.json()), (path, text)
        else:
            refused += 1
            assert reply.json()["error"]

    assert contents(database) == before
    entries = _ENTRY.split(log.read_bytes()[logged:].decode(errors="replace"))
    marked = [entry for entry in entries if MARK in entry]
    assert len(marked) >= answered / 2, "the log has the statements"
    assert [entry for entry in marked if MARK in _LITERAL.sub(_emptied, entry)] == []
    torture.report(
        "a text of a parameter is never part of a statement of SQL",
        f"{refused + answered:,} requests with SQL in the {len(asked)} parameters and headers of all calls",
        f"{refused:,} refused with a sentence, {answered:,} answered as for an unknown trader, no error 500;"
        f" in {len(marked):,} statements of PostgreSQL's log it is within a literal; no table changed",
    )
